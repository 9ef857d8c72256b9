"""References out of the files that deploy and build images: text in, references out."""
