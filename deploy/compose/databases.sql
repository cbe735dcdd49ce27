-- A database for each service, and a user that owns it and may use no other. It runs once, when the server is new.
\set intake `cat /run/secrets/intake-database-password`
\set eligibility `cat /run/secrets/eligibility-database-password`
\set selection `cat /run/secrets/selection-database-password`
\set notify `cat /run/secrets/notify-database-password`
\set portal `cat /run/secrets/portal-database-password`
CREATE ROLE firstbuy_intake LOGIN PASSWORD :'intake' CONNECTION LIMIT 200;
CREATE ROLE firstbuy_eligibility LOGIN PASSWORD :'eligibility' CONNECTION LIMIT 200;
CREATE ROLE firstbuy_selection LOGIN PASSWORD :'selection' CONNECTION LIMIT 200;
CREATE ROLE firstbuy_notify LOGIN PASSWORD :'notify' CONNECTION LIMIT 200;
CREATE ROLE firstbuy_portal LOGIN PASSWORD :'portal' CONNECTION LIMIT 200;
CREATE DATABASE firstbuy_intake OWNER firstbuy_intake;
CREATE DATABASE firstbuy_eligibility OWNER firstbuy_eligibility;
CREATE DATABASE firstbuy_selection OWNER firstbuy_selection;
CREATE DATABASE firstbuy_notify OWNER firstbuy_notify;
CREATE DATABASE firstbuy_portal OWNER firstbuy_portal;
REVOKE CONNECT ON DATABASE firstbuy_intake, firstbuy_eligibility, firstbuy_selection, firstbuy_notify, firstbuy_portal
  FROM PUBLIC;
