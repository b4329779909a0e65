"""Small plugins that keep data the way the large ones do: an SEO plugin, a page builder, forms."""

import json
import os
from pathlib import Path

SEO = r"""<?php
/* Plugin Name: Seo
   Version: 20.1 */
remove_action('wp_head', 'rel_canonical');
add_action('wp_head', function () {
    global $wpdb;
    $row = $wpdb->get_row("SELECT * FROM {$wpdb->prefix}seo_indexable WHERE object_id = 0");
    echo '<link rel="canonical" href="' . esc_url($row->permalink) . '">';
    echo '<script type="application/ld+json">' . $row->graph . '</script>';
});
"""
"""Canonical and structured data from a table of its own."""

BUILDER = r"""<?php
/* Plugin Name: Builder
   Version: 3.4 */
add_action('wp_enqueue_scripts', function () {
    wp_enqueue_style('builder', plugins_url('builder.css', __FILE__));
});
add_action('wp_footer', function () {
    $header = get_page_by_path('site-header', OBJECT, 'builder_template');
    if (!$header || $header->post_status !== 'publish') { return; }
    echo '<div class="builder">' . $header->post_content;
    $widgets = json_decode(get_post_meta($header->ID, '_builder_data', true), true);
    foreach ($widgets as $widget) { echo '<img alt="" src="' . $widget['image']['url'] . '">'; }
    foreach (get_option('builder_gallery') ?: [] as $item) {
        echo '<figure><img alt="" src="' . $item['url'] . '">' . $item['caption'] . '</figure>';
    }
    echo '</div>';
});
"""
"""Addresses in JSON in post meta, and in a serialized option."""

FORMS = r"""<?php
/* Plugin Name: Forms
   Version: 1.0 */
add_action('wp_footer', function () {
    echo '<div data-sitekey="' . esc_attr(get_option('recaptcha_site_key')) . '"></div>';
});
"""
"""A form that is bound to a domain by a key in the options."""

CACHE = r"""<?php
$stored = WP_CONTENT_DIR . '/cache/pages/front.html';
if (($_SERVER['REQUEST_URI'] ?? '') === '/' && is_file($stored)) { readfile($stored); exit; }
"""
"""A page cache's drop-in (advanced-cache.php): answers from its folder before WordPress starts."""

SOURCE = "https://shop.wpdev.test"
CAPTION = "The garden behind the shop, seen from the gate on a summer morning"
HEADER = "Free delivery on every order above five hundred rand, all week long, everywhere."
POST = """Zoë’s café – “open”: it's a \\ "quote"; DROP TABLE `x`; -- $(date) %s \\' 🦆"""  # noqa: RUF001
"""Everything that a shell, a dump or a wrong character set has ever broken."""
TABLE = """CREATE TABLE wp_seo_indexable (id int AUTO_INCREMENT PRIMARY KEY, object_id int,
  permalink longtext, graph longtext)"""
PLUGINS = {"builder/builder.php": BUILDER, "forms/forms.php": FORMS, "seo/seo.php": SEO}


def escaped(value: object) -> str:
    """Return JSON as PHP writes it: slashes are escaped."""
    return json.dumps(value).replace("/", "\\/")


def serialized(value: str | list | dict) -> str:
    """Return a value as PHP serializes it: lengths are counted in bytes."""
    if isinstance(value, str):
        return f's:{len(value.encode())}:"{value}";'
    pairs = list(enumerate(value)) if isinstance(value, list) else list(value.items())
    inner = "".join(
        (f"i:{key};" if isinstance(key, int) else serialized(key)) + serialized(item)
        for key, item in pairs
    )
    return f"a:{len(pairs)}:{{{inner}}}"


def furnish(database, schema: str, content: Path) -> None:
    """Turn a fresh WordPress into a shop with plugins, pages and pictures."""
    uploads = f"{SOURCE}/wp-content/uploads"
    gallery = [{"url": f"{uploads}/garden.png", "caption": CAPTION}]
    connection = database.root(schema)
    with connection.cursor() as cursor:
        cursor.execute(TABLE)
        cursor.execute(
            "INSERT INTO wp_seo_indexable (object_id, permalink, graph) VALUES (0, %s, %s)",
            (f"{SOURCE}/", escaped({"@id": f"{SOURCE}/#site"})),
        )
        for number, name, kind, text in (
            (50, "site-header", "builder_template", HEADER),
            (51, "terms", "page", "Terms of the shop"),
        ):
            cursor.execute(
                "INSERT INTO wp_posts (ID, post_author, post_date, post_date_gmt, post_modified, "
                "post_modified_gmt, post_name, post_title, post_type, post_status, post_content, "
                "post_excerpt, to_ping, pinged, post_content_filtered) VALUES "
                "(%s, 1, NOW(), NOW(), NOW(), NOW(), %s, %s, %s, 'publish', %s, '', '', '', '')",
                (number, name, name.title(), kind, text),
            )
        cursor.execute(
            "INSERT INTO wp_postmeta (post_id, meta_key, meta_value) "
            "VALUES (50, '_builder_data', %s)",
            (escaped([{"image": {"url": f"{uploads}/logo.png"}}]),),
        )
        cursor.execute("UPDATE wp_posts SET post_content = %s WHERE ID = 1", (POST,))
        cursor.executemany(
            "REPLACE INTO wp_options (option_name, option_value) VALUES (%s, %s)",
            [
                ("recaptcha_site_key", "key-of-dev"),
                ("builder_gallery", serialized(gallery)),
                ("active_plugins", serialized(list(PLUGINS))),
            ],
        )
    connection.close()
    files = {f"plugins/{name}": text for name, text in PLUGINS.items()}
    files |= {"uploads/logo.png": "png", "uploads/garden.png": "png", "advanced-cache.php": CACHE}
    files |= {"plugins/builder/builder.css": ".builder { color: black }"}
    files |= {"cache/pages/front.html": f"<html><body>A page of {SOURCE}/ kept{'.' * 64}"}
    for name, text in files.items():
        path = content / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for path in (content, *content.rglob("*")):
        if os.geteuid() == 0:
            os.chown(path, 33, 33)
