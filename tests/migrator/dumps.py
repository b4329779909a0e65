"""SQL of small sites for these tests, and the same dump in both clients' formats."""

SERIALIZED = 'a:1:{s:3:"url";s:29:"https://shop.wpdev.test/a\\b c";}'
"""PHP counts bytes: the origin inside may only change together with its length."""

SITE = """
CREATE TABLE wp_options (option_id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  option_name varchar(191) NOT NULL UNIQUE, option_value longtext NOT NULL,
  autoload varchar(20) NOT NULL DEFAULT 'yes');
CREATE TABLE wp_users (ID bigint unsigned PRIMARY KEY, user_login varchar(60));
CREATE TABLE wp_posts (ID bigint unsigned PRIMARY KEY, post_content longtext,
  post_type varchar(20), post_status varchar(20), picture blob,
  words int GENERATED ALWAYS AS (length(post_content)) STORED);
CREATE TABLE wp_empty (a int);
CREATE VIEW wp_latest AS SELECT ID, post_content FROM wp_posts;
CREATE TRIGGER wp_check BEFORE INSERT ON wp_users FOR EACH ROW
  SET NEW.user_login = LOWER(NEW.user_login);
CREATE DEFINER = {owner} PROCEDURE wp_count() SELECT COUNT(*) FROM wp_posts;
CREATE EVENT wp_night ON SCHEDULE EVERY 1 DAY DO DELETE FROM wp_empty
"""

AWKWARD = "(1),(2);\nINSERT INTO `wp_posts` VALUES\n(9,'it''s \\');\n-- Dump completed"
"""A text that looks like the structure of a dump."""


EMOJI = "emoji 🦆 “quotes” – dash"  # noqa: RUF001 - the characters that were lost before


def fill(database, schema: str, owner: str) -> None:
    """Make a small site with everything that has ever been lost on the way.

    A routine can be dumped by its owner only; views, triggers and events by anyone with the right.
    """
    database.run(*SITE.format(owner=f"`{owner}`@`%`").split(";\n"), schema=schema)
    connection = database.root(schema)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO wp_options (option_name, option_value) VALUES "
            "('home', 'https://shop.wpdev.test'), ('siteurl', 'https://shop.wpdev.test'), "
            "('widget', %s), ('recaptcha_key', 'key-of-the-source')",
            (SERIALIZED,),
        )
        cursor.execute("INSERT INTO wp_users VALUES (1, 'Zoë')")
        cursor.executemany(
            "INSERT INTO wp_posts (ID, post_content, post_type, post_status, picture) "
            "VALUES (%s, %s, 'post', 'publish', %s)",
            [
                (1, EMOJI, bytes(range(256))),
                (2, AWKWARD, None),
                (3, '{"u":"https:\\/\\/shop.wpdev.test\\/x"}', b""),
            ],
        )
    connection.close()


MARIADB_FORMAT = rb"""/*M!999999\- enable the sandbox mode */
-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
CREATE TABLE `a` (
  `x` int(11) DEFAULT NULL
);
INSERT INTO `a` VALUES
(1,'it\'s );\n(not a row)'),
(2,NULL);
INSERT INTO `a` VALUES
(3,'),(');
CREATE TABLE `empty` (
  `x` int(11) DEFAULT NULL
);
DELIMITER ;;
CREATE DEFINER=`root`@`localhost` PROCEDURE `p`()
begin
INSERT INTO `a` VALUES
(4,'body');
end ;;
DELIMITER ;
INSERT INTO `g` (`x`, `y`) VALUES
(1,2);

-- Dump completed on 2026-11-21  7:38:05
"""
MYSQL_FORMAT = rb"""-- MySQL dump 10.13  Distrib 8.0.40, for Linux (x86_64)
CREATE TABLE `a` (
  `x` int DEFAULT NULL
);
INSERT INTO `a` VALUES (1,'it\'s );\n(not a row)'),(2,'\\'),(3,'),('),(4,'a''),(''b');
INSERT INTO `a` VALUES (5,0x28292C28);
CREATE TABLE `empty` (
  `x` int DEFAULT NULL
);
INSERT INTO `g` (`x`, `y`) VALUES (1,2);
-- Dump completed on 2026-11-21  7:38:05
"""
