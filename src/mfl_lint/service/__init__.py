"""Wire it up: store, clients, schedule and pages, for crawl, serve and demo."""
