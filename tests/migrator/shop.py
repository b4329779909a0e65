"""A small shop: what a WordPress with orders has in its database, in two environments."""

from migrator.compression import Compressor
from migrator.dump import dump
from migrator.transfer import S3Folder

PROTECTED = ["users", "usermeta", "comments", "wc_orders*", "order_items", "stock"]

TABLES = """
CREATE TABLE wp_options (option_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  option_name varchar(191) NOT NULL UNIQUE, option_value longtext NOT NULL,
  autoload varchar(20) NOT NULL DEFAULT 'yes');
CREATE TABLE wp_posts (ID bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  post_content longtext NOT NULL, post_type varchar(20) NOT NULL DEFAULT 'post',
  post_status varchar(20) NOT NULL DEFAULT 'publish', comment_count bigint NOT NULL DEFAULT 0);
CREATE TABLE wp_users (ID bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user_login varchar(60) NOT NULL, user_registered datetime NOT NULL DEFAULT '0000-00-00 00:00:00');
CREATE TABLE wp_usermeta (umeta_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user_id bigint unsigned NOT NULL, meta_key varchar(255), meta_value longtext);
CREATE TABLE wp_comments (comment_ID bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  comment_post_ID bigint unsigned NOT NULL, comment_content text NOT NULL,
  comment_approved varchar(20) NOT NULL DEFAULT '1');
CREATE TABLE wp_wc_orders (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  status varchar(20) NOT NULL, reference varchar(64) NOT NULL, total decimal(26,8),
  total_cents bigint GENERATED ALWAYS AS (CAST(total * 100 AS SIGNED)) STORED);
CREATE TABLE wp_wc_orders_meta (order_id bigint unsigned NOT NULL, meta_key varchar(64) NOT NULL,
  meta_value longblob, PRIMARY KEY (order_id, meta_key));
CREATE TABLE wp_order_items (item_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  order_id bigint unsigned NOT NULL, name varchar(64) NOT NULL, KEY (order_id));
CREATE TABLE wp_stock (sku varchar(32) NOT NULL PRIMARY KEY, pieces int NOT NULL);
CREATE TABLE wp_wc_orders_log (line varchar(200), at datetime(3) NULL)
"""
"""wp_wc_orders_log has no key at all; wp_wc_orders_meta and wp_stock have none that counts up."""


def make_tables(database, schema: str) -> None:
    database.run(*TABLES.split(";\n"), schema=schema)


def fill_source(database, schema: str) -> None:
    """The development site: new content, and test data where the target has customers."""
    make_tables(database, schema)
    database.run(
        "INSERT INTO wp_options (option_name, option_value) VALUES "
        "('home', 'https://shop.wpdev.test'), ('siteurl', 'https://shop.wpdev.test'), "
        "('blogname', 'New shop'), ('recaptcha_key', 'key-of-the-source')",
        "INSERT INTO wp_posts (post_content, comment_count) VALUES "
        "('<a href=\"https://shop.wpdev.test/x\">new</a>', 7), ('second', 7)",
        "INSERT INTO wp_users (user_login) VALUES ('developer'), ('tester')",
        "INSERT INTO wp_usermeta (user_id, meta_key, meta_value) VALUES (1, 'role', 'admin')",
        "INSERT INTO wp_comments (comment_post_ID, comment_content) VALUES (1, 'test comment')",
        "INSERT INTO wp_wc_orders (status, reference, total) VALUES ('test', 'test', 1)",
        "INSERT INTO wp_stock VALUES ('shirt', 1)",
        schema=schema,
    )


def fill_live(database, schema: str) -> None:
    """The target's live release: older content, and what customers have done."""
    make_tables(database, schema)
    database.run(
        "INSERT INTO wp_options (option_name, option_value) VALUES "
        "('home', 'https://shop.wpsit.test'), ('siteurl', 'https://shop.wpsit.test'), "
        "('blogname', 'Old shop'), ('recaptcha_key', 'key-of-the-target')",
        "INSERT INTO wp_posts (post_content) VALUES ('old'), ('second')",
        "INSERT INTO wp_users (user_login) VALUES ('owner'), ('Zoë'), ('customer')",
        "DELETE FROM wp_users WHERE ID = 2",
        "INSERT INTO wp_usermeta (user_id, meta_key, meta_value) VALUES (1, 'role', 'admin'), "
        "(3, 'note', 'see https://shop.wpdev.test/x')",
        "INSERT INTO wp_comments (comment_post_ID, comment_content, comment_approved) VALUES "
        "(1, 'nice 🦆', '1'), (1, 'spam', 'spam'), (2, 'good', '1')",
        "INSERT INTO wp_wc_orders (id, status, reference, total) VALUES "
        "(500, 'paid', 'a', 12.5), (501, 'paid', 'b', NULL), (1502, 'open', 'c', 3)",
        "INSERT INTO wp_order_items (order_id, name) VALUES (500, 'shirt'), (1502, 'cup')",
        "INSERT INTO wp_wc_orders_meta VALUES (500, 'k', X'00ff0a'), (501, 'k', NULL)",
        "INSERT INTO wp_wc_orders_log VALUES ('same', NULL), ('same', NULL), (NULL, NOW(3))",
        "INSERT INTO wp_stock VALUES ('shirt', 40), ('cup', 12)",
        "ALTER TABLE wp_wc_orders AUTO_INCREMENT = 1600",
        schema=schema,
    )


def transferred(fleet, schema: str, tables: list[str] | None = None) -> dict:
    """Put a schema's dump into the bucket; return an import job's fields about it."""
    folder = S3Folder(fleet.clients["s3"], fleet.bucket, "transfers/shop")
    with folder.writer("database.sql.zst") as sink:
        compressor = Compressor(sink)
        report = dump(
            fleet.services().databases, fleet.site_credentials(), schema, compressor.write, tables
        )
        compressor.close()
    return {
        "dump": fleet.at("transfers/shop/database.sql.zst"),
        "dumpSha256": sink.digest.sha256,
        "rows": report.rows,
        "mappings": [{"source": "https://shop.wpdev.test", "target": "https://shop.wpsit.test"}],
        "database": fleet.job_database(2),
    }
