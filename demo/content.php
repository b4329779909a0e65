<?php
/**
 * Fills a fresh site with what real sites hold: posts, pages, media, menus, widgets, theme options
 * and a plugin's own table, with the site's URL in plain, serialized and JSON form.
 * Usage: php content.php PATH-TO-WORDPRESS   (environment as in the site's container)
 */

$_SERVER['HTTPS'] = 'on';
$_SERVER['HTTP_HOST'] = parse_url((string) getenv('WORDPRESS_SITE_URL'), PHP_URL_HOST);
require $argv[1] . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/image.php';

$home = home_url();

function demo_post(string $type, string $title, string $content, array $meta = []): int
{
    static $minutes_ago = 0;
    // Of the same second, they would be listed in whatever order the database likes.
    $date = gmdate('Y-m-d H:i:s', time() - 60 * $minutes_ago++);
    $id = wp_insert_post([
        'post_type' => $type, 'post_status' => 'publish', 'post_title' => $title,
        'post_content' => wp_slash($content), 'post_date' => get_date_from_gmt($date), 'post_date_gmt' => $date,
    ], true);
    if (is_wp_error($id)) {
        fwrite(STDERR, $id->get_error_message() . "\n");
        exit(1);
    }
    foreach ($meta as $key => $value) {
        update_post_meta($id, $key, wp_slash($value));
    }
    return $id;
}

function demo_image(string $name, array $rgb): array
{
    $image = imagecreatetruecolor(640, 360);
    imagefill($image, 0, 0, imagecolorallocate($image, ...$rgb));
    imagefilledellipse($image, 320, 180, 300, 200, imagecolorallocate($image, 255, 225, 53));
    ob_start();
    imagejpeg($image, null, 85);
    $upload = wp_upload_bits($name, null, (string) ob_get_clean());
    $id = wp_insert_attachment(
        ['post_mime_type' => 'image/jpeg', 'post_title' => $name, 'post_status' => 'inherit'],
        $upload['file']
    );
    wp_update_attachment_metadata($id, wp_generate_attachment_metadata($id, $upload['file']));
    return ['id' => $id, 'url' => wp_get_attachment_url($id)];
}

$images = [];
foreach (['banana' => [200, 230, 255], 'orchard' => [210, 255, 210], 'market' => [255, 220, 220]] as $name => $rgb) {
    $images[$name] = demo_image("$name.jpg", $rgb);
}

$about = demo_post('page', 'About us', "<p>We are Banana &amp; Söhne. Read <a href=\"$home/ripe-today/\">what is ripe</a> or write to "
    . "<a href=\"mailto:hello@example.org\">us</a>.</p><!-- wp:image {\"id\":{$images['orchard']['id']}} -->"
    . "<figure class=\"wp-block-image\"><img src=\"{$images['orchard']['url']}\" alt=\"Orchard\"/></figure><!-- /wp:image -->");
demo_post('page', 'Prices', "<p>Prices from <a href=\"//" . wp_parse_url($home, PHP_URL_HOST) . "/about-us/\">our orchard</a>: 3 € – “the best” 🍌.</p>");
demo_post('post', 'Ripe today', "<p>Fresh 🍌🍊 — see <img src=\"{$images['banana']['url']}\" alt=\"Banana\"/> and "
    . "<a href=\"$home/wp-login.php?redirect_to=" . rawurlencode("$home/about-us/") . "\">log in</a>.</p>");
demo_post('post', 'Market day', "<p>Smart quotes “survive”, dashes – too, and 日本語. <img src=\"{$images['market']['url']}\" alt=\"Market\"/></p>",
    ['_page_builder' => json_encode(['hero' => ['image' => $images['banana']['url'], 'link' => "$home/about-us/"],
        'nested' => json_encode(['u' => "$home/prices/"])])]);
for ($number = 1; $number <= 12; $number++) {
    demo_post('post', "Diary entry $number", "<p>Entry $number of <a href=\"$home/\">our diary</a>.</p>");
}

update_option('blogdescription', 'Fruit, with care 🍌');
update_option('theme_mods_' . get_stylesheet(), array_merge((array) get_theme_mods(), [
    'demo_header_image' => $images['orchard']['url'],
    'demo_links' => [['label' => 'About', 'url' => "$home/about-us/"], ['label' => 'Übersicht', 'url' => "$home/"]],
]));
update_option('widget_text', [2 => ['title' => 'Find us', 'text' => "<a href=\"$home/about-us/\">Map 🗺️</a>", 'filter' => true], '_multiwidget' => 1]);
update_option('demo_plugin_settings', json_encode(['endpoint' => "$home/wp-json/", 'icons' => ["$home/a.svg", "$home/b.svg"]]));
update_option('demo_plugin_cache', ['html' => serialize(['page' => "$home/prices/"]), 'size' => 2]);

global $wpdb;
$table = $wpdb->prefix . 'demo_seo';
$wpdb->query("CREATE TABLE IF NOT EXISTS `$table` (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, "
    . "canonical VARCHAR(255) NOT NULL, data LONGTEXT, icon BLOB) DEFAULT CHARSET=utf8mb4");
foreach (get_posts(['numberposts' => -1, 'post_type' => ['post', 'page']]) as $post) {
    $wpdb->insert($table, [
        'canonical' => get_permalink($post),
        'data' => serialize(['og:url' => get_permalink($post), 'og:title' => $post->post_title]),
        'icon' => random_bytes(64),
    ]);
}

echo json_encode(['posts' => (int) wp_count_posts()->publish, 'pages' => (int) wp_count_posts('page')->publish,
    'media' => count($images), 'seoRows' => (int) $wpdb->get_var("SELECT COUNT(*) FROM `$table`")]);
