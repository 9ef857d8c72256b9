BEGIN TRANSACTION;
CREATE TABLE acknowledgements (
	fingerprint TEXT NOT NULL, 
	first_seen_at BIGINT NOT NULL, 
	who TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_acknowledgements PRIMARY KEY (fingerprint)
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, oldest VARCHAR(32), 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0009','0007');
CREATE TABLE alert_groups (
	id INTEGER NOT NULL, 
	route TEXT NOT NULL, 
	registry TEXT DEFAULT '' NOT NULL, 
	repository TEXT DEFAULT '' NOT NULL, 
	rule TEXT DEFAULT '' NOT NULL, 
	due_at BIGINT, 
	repeat_at BIGINT, 
	CONSTRAINT pk_alert_groups PRIMARY KEY (id), 
	CONSTRAINT uq_alert_groups_route_registry_repository_rule UNIQUE (route, registry, repository, rule)
);
CREATE TABLE alert_marks (
	kind TEXT NOT NULL, 
	route TEXT NOT NULL, 
	registry TEXT NOT NULL, 
	repository TEXT NOT NULL, 
	tag TEXT NOT NULL, 
	since BIGINT, 
	at BIGINT, 
	number INTEGER DEFAULT '0' NOT NULL, 
	last TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_alert_marks PRIMARY KEY (kind, route, registry, repository, tag)
);
CREATE TABLE alert_waiting (
	id INTEGER NOT NULL, 
	group_id INTEGER NOT NULL, 
	news TEXT NOT NULL, 
	CONSTRAINT pk_alert_waiting PRIMARY KEY (id), 
	CONSTRAINT fk_alert_waiting_group_id FOREIGN KEY(group_id) REFERENCES alert_groups (id) ON DELETE CASCADE
);
CREATE TABLE api_tokens (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	scopes TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	last_used_at BIGINT, 
	expires_at BIGINT, 
	revoked_at BIGINT, 
	CONSTRAINT pk_api_tokens PRIMARY KEY (id), 
	CONSTRAINT fk_api_tokens_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE, 
	CONSTRAINT uq_api_tokens_name UNIQUE (name), 
	CONSTRAINT uq_api_tokens_digest UNIQUE (digest)
);
CREATE TABLE audit (
	id INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	who TEXT NOT NULL, 
	action TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	CONSTRAINT pk_audit PRIMARY KEY (id)
);
CREATE TABLE chores (
	name TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_chores PRIMARY KEY (name)
);
CREATE TABLE crawls (
	id INTEGER NOT NULL, 
	registry_id INTEGER NOT NULL, 
	status TEXT NOT NULL, 
	started_at BIGINT NOT NULL, 
	finished_at BIGINT, 
	repositories INTEGER DEFAULT '0' NOT NULL, 
	repositories_done INTEGER DEFAULT '0' NOT NULL, 
	tags INTEGER DEFAULT '0' NOT NULL, 
	requests INTEGER DEFAULT '0' NOT NULL, 
	opened INTEGER DEFAULT '0' NOT NULL, 
	resolved INTEGER DEFAULT '0' NOT NULL, 
	problem TEXT DEFAULT '' NOT NULL, partial BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_crawls PRIMARY KEY (id), 
	CONSTRAINT fk_crawls_registry_id FOREIGN KEY(registry_id) REFERENCES registries (id) ON DELETE CASCADE
);
INSERT INTO "crawls" VALUES(1,1,'done',1772452800000000,1772452860000000,0,0,0,0,4,0,'',0);
INSERT INTO "crawls" VALUES(2,1,'running',1772539200000000,NULL,0,0,0,0,0,1,'',0);
CREATE TABLE day_counters (
	registry_id INTEGER NOT NULL, 
	day TEXT NOT NULL, 
	error INTEGER DEFAULT '0' NOT NULL, 
	warning INTEGER DEFAULT '0' NOT NULL, 
	info INTEGER DEFAULT '0' NOT NULL, 
	unknown INTEGER DEFAULT '0' NOT NULL, 
	opened INTEGER DEFAULT '0' NOT NULL, 
	resolved INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_day_counters PRIMARY KEY (registry_id, day), 
	CONSTRAINT fk_day_counters_registry_id FOREIGN KEY(registry_id) REFERENCES registries (id) ON DELETE CASCADE
);
INSERT INTO "day_counters" VALUES(1,'2026-03-02',3,1,0,0,4,0);
INSERT INTO "day_counters" VALUES(1,'2026-03-03',2,1,0,0,0,1);
CREATE TABLE documents (
	digest TEXT NOT NULL, 
	media_type TEXT NOT NULL, 
	raw BLOB NOT NULL, 
	size_bytes INTEGER DEFAULT '0' NOT NULL, 
	fetched_at BIGINT NOT NULL, 
	CONSTRAINT pk_documents PRIMARY KEY (digest)
);
INSERT INTO "documents" VALUES('sha256:219744bdffed4ce9050c859475b65da5dafd4699f5b0f530c08547830f62140b','application/vnd.oci.image.index.v1+json',X'28B52FFD20073900006368696C642031',7,1772452800000000);
INSERT INTO "documents" VALUES('sha256:3bfc269594ef649228e9a74bab00f042efc91d5acc6fbee31a382e80d42388fe','application/vnd.oci.image.index.v1+json',X'28B52FFD20021100007631',2,1772452800000000);
INSERT INTO "documents" VALUES('sha256:a9638f1ddbeb6bc0e26fb8fb3f6c40ad8796154c9174d13e3402f118a90d0a6c','application/vnd.oci.image.index.v1+json',X'28B52FFD20073900006368696C642030',7,1772452800000000);
INSERT INTO "documents" VALUES('sha256:fb04dcb6970e4c3d1873de51fd5a50d7bb46b3383113602665c350ec40b5f990','application/vnd.oci.image.index.v1+json',X'28B52FFD20021100007632',2,1772452800000000);
INSERT INTO "documents" VALUES('sha256:5edd1832df25e2f1a72585c0ee55c1e585e7f4902eb1d15f7abf1c71c1b296ae','application/vnd.oci.image.index.v1+json',X'28B52FFD20052900006D6F766564',5,1772539200000000);
CREATE TABLE entries (
	index_digest TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	digest TEXT, 
	media_type TEXT DEFAULT '' NOT NULL, 
	size_bytes INTEGER, 
	os TEXT, 
	architecture TEXT DEFAULT '' NOT NULL, 
	variant TEXT DEFAULT '' NOT NULL, 
	os_version TEXT DEFAULT '' NOT NULL, 
	os_features TEXT DEFAULT '' NOT NULL, 
	annotations TEXT DEFAULT '' NOT NULL, 
	artifact_type TEXT DEFAULT '' NOT NULL, 
	urls TEXT DEFAULT '' NOT NULL, 
	kind TEXT NOT NULL, 
	CONSTRAINT pk_entries PRIMARY KEY (index_digest, position)
);
INSERT INTO "entries" VALUES('sha256:3bfc269594ef649228e9a74bab00f042efc91d5acc6fbee31a382e80d42388fe',0,'sha256:a9638f1ddbeb6bc0e26fb8fb3f6c40ad8796154c9174d13e3402f118a90d0a6c','application/vnd.oci.image.manifest.v1+json',1234,'windows','amd64','','10.0.20348.1','["win32k"]','{"com.example.key":"välue"}','application/x','["https://example.test/x"]','image');
INSERT INTO "entries" VALUES('sha256:3bfc269594ef649228e9a74bab00f042efc91d5acc6fbee31a382e80d42388fe',1,'sha256:219744bdffed4ce9050c859475b65da5dafd4699f5b0f530c08547830f62140b','application/vnd.oci.image.manifest.v1+json',1234,'windows','amd64','','10.0.20348.1','["win32k"]','{"com.example.key":"välue"}','application/x','["https://example.test/x"]','image');
INSERT INTO "entries" VALUES('sha256:fb04dcb6970e4c3d1873de51fd5a50d7bb46b3383113602665c350ec40b5f990',0,'sha256:a9638f1ddbeb6bc0e26fb8fb3f6c40ad8796154c9174d13e3402f118a90d0a6c','application/vnd.oci.image.manifest.v1+json',1234,'windows','amd64','','10.0.20348.1','["win32k"]','{"com.example.key":"välue"}','application/x','["https://example.test/x"]','image');
INSERT INTO "entries" VALUES('sha256:fb04dcb6970e4c3d1873de51fd5a50d7bb46b3383113602665c350ec40b5f990',1,'sha256:219744bdffed4ce9050c859475b65da5dafd4699f5b0f530c08547830f62140b','application/vnd.oci.image.manifest.v1+json',1234,'windows','amd64','','10.0.20348.1','["win32k"]','{"com.example.key":"välue"}','application/x','["https://example.test/x"]','image');
INSERT INTO "entries" VALUES('sha256:5edd1832df25e2f1a72585c0ee55c1e585e7f4902eb1d15f7abf1c71c1b296ae',0,'sha256:a9638f1ddbeb6bc0e26fb8fb3f6c40ad8796154c9174d13e3402f118a90d0a6c','application/vnd.oci.image.manifest.v1+json',1234,'windows','amd64','','10.0.20348.1','["win32k"]','{"com.example.key":"välue"}','application/x','["https://example.test/x"]','image');
INSERT INTO "entries" VALUES('sha256:5edd1832df25e2f1a72585c0ee55c1e585e7f4902eb1d15f7abf1c71c1b296ae',1,'sha256:219744bdffed4ce9050c859475b65da5dafd4699f5b0f530c08547830f62140b','application/vnd.oci.image.manifest.v1+json',1234,'windows','amd64','','10.0.20348.1','["win32k"]','{"com.example.key":"välue"}','application/x','["https://example.test/x"]','image');
CREATE TABLE findings (
	id INTEGER NOT NULL, 
	fingerprint TEXT NOT NULL, 
	registry_id INTEGER NOT NULL, 
	repository_id INTEGER NOT NULL, 
	tag_id INTEGER, 
	tag TEXT DEFAULT '' NOT NULL, 
	rule TEXT NOT NULL, 
	slug TEXT NOT NULL, 
	severity TEXT NOT NULL, 
	weight SMALLINT NOT NULL, 
	reference TEXT NOT NULL, 
	digest TEXT, 
	platform TEXT DEFAULT '' NOT NULL, 
	position INTEGER, 
	subject TEXT DEFAULT '' NOT NULL, 
	message TEXT DEFAULT '' NOT NULL, 
	fix TEXT DEFAULT '' NOT NULL, 
	state TEXT NOT NULL, 
	first_seen_at BIGINT NOT NULL, 
	last_confirmed_at BIGINT NOT NULL, 
	resolved_at BIGINT, 
	missed_rounds INTEGER DEFAULT '0' NOT NULL, 
	sequence INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_findings PRIMARY KEY (id), 
	CONSTRAINT fk_findings_registry_id FOREIGN KEY(registry_id) REFERENCES registries (id) ON DELETE CASCADE, 
	CONSTRAINT fk_findings_repository_id FOREIGN KEY(repository_id) REFERENCES repositories (id) ON DELETE CASCADE, 
	CONSTRAINT fk_findings_tag_id FOREIGN KEY(tag_id) REFERENCES tags (id) ON DELETE CASCADE, 
	CONSTRAINT uq_findings_fingerprint UNIQUE (fingerprint)
);
INSERT INTO "findings" VALUES(1,'251fc0868c839178177399ad1a57453a95640c947909bfc7b6ef1d88bcb35f2b',1,1,1,'v1','MFL101','wrong-platform','error',3,'registry.test/team/app:v1','sha256:1bc04b5291c26a46d918139138b992d2de976d6851d0893b0476b85bfbdfc6e6','linux/arm64',1,'linux/arm64','the entry says arm64 — the config amd64','docker manifest annotate …','resolved',1772452800000000,1772452800000000,1772539200000000,0,2);
INSERT INTO "findings" VALUES(2,'46db5af084502d114128db5badc136ece2a11af57936c27cf0278af2f98f2ad1',1,1,1,'v1','MFL201','wrong-platform','warning',2,'registry.test/team/app:v1','sha256:1bc04b5291c26a46d918139138b992d2de976d6851d0893b0476b85bfbdfc6e6','linux/arm64',1,'linux/arm64','the entry says linux/arm64, the config linux/amd64','docker manifest annotate …','open',1772452800000000,1772539200000000,NULL,0,1);
INSERT INTO "findings" VALUES(3,'a2e9efcd6f161151ee43b93cdd116d40ce13aa9ec3f2ec08f763e02ed3189779',1,1,2,'v2','MFL101','wrong-platform','error',3,'registry.test/team/app:v2','sha256:1bc04b5291c26a46d918139138b992d2de976d6851d0893b0476b85bfbdfc6e6','linux/arm64',1,'linux/arm64','the entry says linux/arm64, the config linux/amd64','docker manifest annotate …','open',1772452800000000,1772452800000000,NULL,0,1);
INSERT INTO "findings" VALUES(4,'96f3c9929402c96a5ffdf81e6ba9a2423982722a9d136f3800022315a498f59d',1,1,NULL,'','MFL301','wrong-platform','error',3,'registry.test/team/app:',NULL,'',NULL,'linux/arm64','the entry says linux/arm64, the config linux/amd64','docker manifest annotate …','open',1772452800000000,1772452800000000,NULL,0,1);
CREATE TABLE ignores (
	id INTEGER NOT NULL, 
	rule TEXT NOT NULL, 
	registry TEXT NOT NULL, 
	repository TEXT NOT NULL, 
	tag TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	who TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires BIGINT, 
	CONSTRAINT pk_ignores PRIMARY KEY (id)
);
CREATE TABLE layers (
	digest TEXT NOT NULL, 
	summary BLOB NOT NULL, 
	read_at BIGINT NOT NULL, 
	CONSTRAINT pk_layers PRIMARY KEY (digest)
);
CREATE TABLE leases (
	repository_id INTEGER NOT NULL, 
	holder TEXT NOT NULL, 
	fence INTEGER NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_leases PRIMARY KEY (repository_id), 
	CONSTRAINT fk_leases_repository_id FOREIGN KEY(repository_id) REFERENCES repositories (id) ON DELETE CASCADE
);
INSERT INTO "leases" VALUES(1,'me',1,1772452920000000);
CREATE TABLE look_requests (
	id INTEGER NOT NULL, 
	registry TEXT NOT NULL, 
	repository TEXT NOT NULL, 
	tag TEXT NOT NULL, 
	state TEXT NOT NULL, 
	reason TEXT DEFAULT '' NOT NULL, 
	requested_at BIGINT NOT NULL, 
	taken_at BIGINT, holder TEXT, 
	CONSTRAINT pk_look_requests PRIMARY KEY (id)
);
INSERT INTO "look_requests" VALUES(1,'one','team/app','v1','pending','webhook',1772452800000000,NULL,NULL);
CREATE TABLE messages (
	id INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	route TEXT NOT NULL, 
	thread TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	registry TEXT DEFAULT '' NOT NULL, 
	title TEXT NOT NULL, 
	notice TEXT NOT NULL, 
	state TEXT NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	next_attempt_at BIGINT, 
	lease_until BIGINT, 
	lease_holder TEXT DEFAULT '' NOT NULL, 
	created_at BIGINT NOT NULL, 
	sent_at BIGINT, 
	problem TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_messages PRIMARY KEY (id), 
	CONSTRAINT uq_messages_key UNIQUE ("key")
);
CREATE TABLE orphans (
	digest TEXT NOT NULL, 
	since BIGINT NOT NULL, 
	CONSTRAINT pk_orphans PRIMARY KEY (digest)
);
CREATE TABLE outbox (
	id INTEGER NOT NULL, 
	transition_id TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_outbox PRIMARY KEY (id), 
	CONSTRAINT uq_outbox_transition_id UNIQUE (transition_id)
);
INSERT INTO "outbox" VALUES(1,'5fda1fa0727446353a9e72533dc81784',1772452800000000);
INSERT INTO "outbox" VALUES(2,'114b753e3e7be8532db8a2dbfcccd277',1772452800000000);
INSERT INTO "outbox" VALUES(3,'f3d382fbce7058fd2f9fad1340f5081d',1772452800000000);
INSERT INTO "outbox" VALUES(4,'11f3aabd451e7cb4624943565044100b',1772452800000000);
INSERT INTO "outbox" VALUES(5,'d94152e5aaf78298ecdae0e2fd4e4755',1772539200000000);
CREATE TABLE presence (
	repository_id INTEGER NOT NULL, 
	digest TEXT NOT NULL, 
	look TEXT NOT NULL, 
	detail TEXT DEFAULT '' NOT NULL, 
	looked_at BIGINT NOT NULL, 
	CONSTRAINT pk_presence PRIMARY KEY (repository_id, digest), 
	CONSTRAINT fk_presence_repository_id FOREIGN KEY(repository_id) REFERENCES repositories (id) ON DELETE CASCADE
);
INSERT INTO "presence" VALUES(1,'sha256:a9638f1ddbeb6bc0e26fb8fb3f6c40ad8796154c9174d13e3402f118a90d0a6c','verified','',1772452800000000);
INSERT INTO "presence" VALUES(1,'sha256:219744bdffed4ce9050c859475b65da5dafd4699f5b0f530c08547830f62140b','verified','',1772452800000000);
CREATE TABLE push_audit (
	id INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	who TEXT NOT NULL, 
	registry TEXT NOT NULL, 
	repository TEXT NOT NULL, 
	tag TEXT NOT NULL, 
	digest_before TEXT, 
	digest_after TEXT, 
	state TEXT NOT NULL, 
	"plan" TEXT DEFAULT '' NOT NULL, 
	problem TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_push_audit PRIMARY KEY (id)
);
CREATE TABLE registries (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	host TEXT NOT NULL, 
	watched BOOLEAN DEFAULT 1 NOT NULL, 
	notice TEXT DEFAULT '' NOT NULL, 
	notice_at BIGINT, 
	first_seen_at BIGINT NOT NULL, 
	repositories INTEGER DEFAULT '0' NOT NULL, 
	tags INTEGER DEFAULT '0' NOT NULL, 
	error INTEGER DEFAULT '0' NOT NULL, 
	warning INTEGER DEFAULT '0' NOT NULL, 
	info INTEGER DEFAULT '0' NOT NULL, 
	unknown INTEGER DEFAULT '0' NOT NULL, revision INTEGER DEFAULT '0' NOT NULL, announced BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_registries PRIMARY KEY (id), 
	CONSTRAINT uq_registries_name UNIQUE (name)
);
INSERT INTO "registries" VALUES(1,'one','one.test',1,'',NULL,1772452800000000,1,2,2,1,0,0,8,1);
INSERT INTO "registries" VALUES(2,'two','two.test',1,'unreachable',1772452800000000,1772452800000000,0,0,0,0,0,0,2,1);
CREATE TABLE repositories (
	id INTEGER NOT NULL, 
	registry_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	watched BOOLEAN DEFAULT 1 NOT NULL, 
	siblings_hash TEXT DEFAULT '' NOT NULL, 
	look TEXT, 
	detail TEXT DEFAULT '' NOT NULL, 
	first_seen_at BIGINT NOT NULL, 
	last_crawled_at BIGINT, 
	missing_since BIGINT, 
	gone_at BIGINT, 
	tags INTEGER DEFAULT '0' NOT NULL, 
	error INTEGER DEFAULT '0' NOT NULL, 
	warning INTEGER DEFAULT '0' NOT NULL, 
	info INTEGER DEFAULT '0' NOT NULL, 
	unknown INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_repositories PRIMARY KEY (id), 
	CONSTRAINT fk_repositories_registry_id FOREIGN KEY(registry_id) REFERENCES registries (id) ON DELETE CASCADE, 
	CONSTRAINT uq_repositories_registry_id_name UNIQUE (registry_id, name)
);
INSERT INTO "repositories" VALUES(1,1,'team/app',1,'siblings','verified','',1772452800000000,1772539200000000,NULL,NULL,2,2,1,0,0);
CREATE TABLE rule_counters (
	registry_id INTEGER NOT NULL, 
	rule TEXT NOT NULL, 
	error INTEGER DEFAULT '0' NOT NULL, 
	warning INTEGER DEFAULT '0' NOT NULL, 
	info INTEGER DEFAULT '0' NOT NULL, 
	unknown INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_rule_counters PRIMARY KEY (registry_id, rule), 
	CONSTRAINT fk_rule_counters_registry_id FOREIGN KEY(registry_id) REFERENCES registries (id) ON DELETE CASCADE
);
INSERT INTO "rule_counters" VALUES(1,'MFL101',1,0,0,0);
INSERT INTO "rule_counters" VALUES(1,'MFL201',0,1,0,0);
INSERT INTO "rule_counters" VALUES(1,'MFL301',1,0,0,0);
CREATE TABLE sessions (
	digest TEXT NOT NULL, 
	user_id INTEGER NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_sessions PRIMARY KEY (digest), 
	CONSTRAINT fk_sessions_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE TABLE silences (
	id INTEGER NOT NULL, 
	rule TEXT NOT NULL, 
	registry TEXT NOT NULL, 
	repository TEXT NOT NULL, 
	tag TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	who TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires BIGINT NOT NULL, 
	CONSTRAINT pk_silences PRIMARY KEY (id)
);
CREATE TABLE slices (
	crawl_id INTEGER NOT NULL, 
	repository_id INTEGER NOT NULL, 
	slice_no INTEGER NOT NULL, 
	done INTEGER DEFAULT '0' NOT NULL, 
	total INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_slices PRIMARY KEY (crawl_id, repository_id, slice_no), 
	CONSTRAINT fk_slices_crawl_id FOREIGN KEY(crawl_id) REFERENCES crawls (id) ON DELETE CASCADE, 
	CONSTRAINT fk_slices_repository_id FOREIGN KEY(repository_id) REFERENCES repositories (id) ON DELETE CASCADE
);
INSERT INTO "slices" VALUES(1,1,0,2,2);
CREATE TABLE tag_history (
	id INTEGER NOT NULL, 
	tag_id INTEGER NOT NULL, 
	digest TEXT NOT NULL, 
	seen_at BIGINT NOT NULL, 
	CONSTRAINT pk_tag_history PRIMARY KEY (id), 
	CONSTRAINT fk_tag_history_tag_id FOREIGN KEY(tag_id) REFERENCES tags (id) ON DELETE CASCADE
);
INSERT INTO "tag_history" VALUES(1,1,'sha256:3bfc269594ef649228e9a74bab00f042efc91d5acc6fbee31a382e80d42388fe',1772452800000000);
INSERT INTO "tag_history" VALUES(2,2,'sha256:fb04dcb6970e4c3d1873de51fd5a50d7bb46b3383113602665c350ec40b5f990',1772452800000000);
INSERT INTO "tag_history" VALUES(3,1,'sha256:5edd1832df25e2f1a72585c0ee55c1e585e7f4902eb1d15f7abf1c71c1b296ae',1772539200000000);
CREATE TABLE tags (
	id INTEGER NOT NULL, 
	repository_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	sort_key TEXT NOT NULL, 
	digest TEXT, 
	look TEXT NOT NULL, 
	detail TEXT DEFAULT '' NOT NULL, 
	first_seen_at BIGINT, 
	looked_at BIGINT, 
	verified_at BIGINT, 
	walked_at BIGINT, 
	moved_at BIGINT, 
	missing_since BIGINT, 
	gone_at BIGINT, 
	watched BOOLEAN DEFAULT 1 NOT NULL, 
	complete BOOLEAN DEFAULT 0 NOT NULL, 
	judged_hash TEXT DEFAULT '' NOT NULL, 
	unsettled BOOLEAN DEFAULT 0 NOT NULL, 
	summary TEXT, 
	error INTEGER DEFAULT '0' NOT NULL, 
	warning INTEGER DEFAULT '0' NOT NULL, 
	info INTEGER DEFAULT '0' NOT NULL, 
	unknown INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_tags PRIMARY KEY (id), 
	CONSTRAINT fk_tags_repository_id FOREIGN KEY(repository_id) REFERENCES repositories (id) ON DELETE CASCADE, 
	CONSTRAINT uq_tags_repository_id_name UNIQUE (repository_id, name)
);
INSERT INTO "tags" VALUES(1,1,'v1','1999999999999999998','sha256:5edd1832df25e2f1a72585c0ee55c1e585e7f4902eb1d15f7abf1c71c1b296ae','verified','',1772452800000000,1772539200000000,1772452800000000,1772452800000000,NULL,NULL,NULL,1,1,'rules',0,'{"tag":"v1","digest":"sha256:5edd1832df25e2f1a72585c0ee55c1e585e7f4902eb1d15f7abf1c71c1b296ae","is_index":true,"platforms":[{"os":"linux","architecture":"arm64","variant":"v8","os_version":"","os_features":[]}],"children":["sha256:5edd1832df25e2f1a72585c0ee55c1e585e7f4902eb1d15f7abf1c71c1b296ae"]}',0,1,0,0);
INSERT INTO "tags" VALUES(2,1,'v2','1999999999999999997','sha256:fb04dcb6970e4c3d1873de51fd5a50d7bb46b3383113602665c350ec40b5f990','verified','',1772452800000000,1772539200000000,1772539200000000,1772452800000000,NULL,NULL,NULL,1,1,'rules',0,'{"tag":"v2","digest":"sha256:fb04dcb6970e4c3d1873de51fd5a50d7bb46b3383113602665c350ec40b5f990","is_index":true,"platforms":[{"os":"linux","architecture":"arm64","variant":"v8","os_version":"","os_features":[]}],"children":["sha256:fb04dcb6970e4c3d1873de51fd5a50d7bb46b3383113602665c350ec40b5f990"]}',1,0,0,0);
CREATE TABLE transitions (
	id TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	sequence INTEGER NOT NULL, 
	registry_id INTEGER NOT NULL, 
	change TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	reason TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_transitions PRIMARY KEY (id), 
	CONSTRAINT fk_transitions_registry_id FOREIGN KEY(registry_id) REFERENCES registries (id) ON DELETE CASCADE, 
	CONSTRAINT uq_transitions_fingerprint_sequence UNIQUE (fingerprint, sequence)
);
INSERT INTO "transitions" VALUES('5fda1fa0727446353a9e72533dc81784','251fc0868c839178177399ad1a57453a95640c947909bfc7b6ef1d88bcb35f2b',1,1,'opened',1772452800000000,'the entry says arm64 — the config amd64');
INSERT INTO "transitions" VALUES('114b753e3e7be8532db8a2dbfcccd277','46db5af084502d114128db5badc136ece2a11af57936c27cf0278af2f98f2ad1',1,1,'opened',1772452800000000,'the entry says linux/arm64, the config linux/amd64');
INSERT INTO "transitions" VALUES('f3d382fbce7058fd2f9fad1340f5081d','a2e9efcd6f161151ee43b93cdd116d40ce13aa9ec3f2ec08f763e02ed3189779',1,1,'opened',1772452800000000,'the entry says linux/arm64, the config linux/amd64');
INSERT INTO "transitions" VALUES('11f3aabd451e7cb4624943565044100b','96f3c9929402c96a5ffdf81e6ba9a2423982722a9d136f3800022315a498f59d',1,1,'opened',1772452800000000,'the entry says linux/arm64, the config linux/amd64');
INSERT INTO "transitions" VALUES('d94152e5aaf78298ecdae0e2fd4e4755','251fc0868c839178177399ad1a57453a95640c947909bfc7b6ef1d88bcb35f2b',2,1,'resolved',1772539200000000,'no longer found');
CREATE TABLE users (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	password TEXT DEFAULT '' NOT NULL, 
	role TEXT NOT NULL, 
	disabled BOOLEAN DEFAULT 0 NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_users PRIMARY KEY (id), 
	CONSTRAINT uq_users_name UNIQUE (name)
);
CREATE INDEX ix_tags_digest ON tags (digest);
CREATE INDEX ix_tags_matrix ON tags (repository_id, sort_key, name);
CREATE INDEX ix_tags_missing ON tags (missing_since) WHERE missing_since IS NOT NULL AND gone_at IS NULL;
CREATE INDEX ix_tag_history_tag_id ON tag_history (tag_id);
CREATE INDEX ix_crawls_registry_id ON crawls (registry_id);
CREATE INDEX ix_slices_repository_id ON slices (repository_id);
CREATE INDEX ix_findings_place ON findings (repository_id, tag);
CREATE INDEX ix_findings_worst ON findings (weight, first_seen_at, id);
CREATE INDEX ix_findings_registry ON findings (registry_id, weight, first_seen_at, id);
CREATE INDEX ix_findings_rule ON findings (rule, state);
CREATE INDEX ix_findings_tag_id ON findings (tag_id);
CREATE INDEX ix_transitions_newest ON transitions (at, id);
CREATE INDEX ix_transitions_registry ON transitions (registry_id, at, id);
CREATE UNIQUE INDEX uq_look_requests_pending ON look_requests (registry, repository, tag) WHERE state = 'pending';
CREATE INDEX ix_api_tokens_user_id ON api_tokens (user_id);
CREATE INDEX ix_sessions_user_id ON sessions (user_id);
CREATE INDEX ix_sessions_expires_at ON sessions (expires_at);
CREATE INDEX ix_tags_uncertain ON tags (repository_id) WHERE watched AND gone_at IS NULL AND (look <> 'verified' OR complete IS NOT TRUE OR unsettled);
CREATE INDEX ix_findings_standing ON findings (weight, first_seen_at, id) WHERE state <> 'resolved';
CREATE INDEX ix_findings_standing_registry ON findings (registry_id, weight, first_seen_at, id) WHERE state <> 'resolved';
CREATE INDEX ix_findings_standing_rule ON findings (rule, weight, first_seen_at, id) WHERE state <> 'resolved';
CREATE INDEX ix_alert_groups_due_at ON alert_groups (due_at);
CREATE INDEX ix_alert_groups_repeat_at ON alert_groups (repeat_at);
CREATE INDEX ix_alert_waiting_group_id ON alert_waiting (group_id);
CREATE INDEX ix_messages_channel ON messages (channel, state, thread, id);
CREATE INDEX ix_messages_route ON messages (route, created_at);
CREATE INDEX ix_orphans_since ON orphans (since);
CREATE INDEX ix_tags_name ON tags (name);
CREATE INDEX ix_tags_broken ON tags (error, warning, unknown, id) WHERE error + warning + info + unknown > 0;
CREATE INDEX ix_repositories_unlisted ON repositories (registry_id) WHERE watched AND gone_at IS NULL AND (look IS NULL OR look <> 'verified');
COMMIT;
