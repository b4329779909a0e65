<?php
/**
 * Prints, as JSON, what a site holds in the places where moves go wrong: so that two environments
 * can be compared value by value.
 * Usage: php look.php PATH-TO-WORDPRESS   (environment as in the site's container)
 */

$_SERVER['HTTPS'] = 'on';
$_SERVER['HTTP_HOST'] = parse_url((string) getenv('WORDPRESS_SITE_URL'), PHP_URL_HOST);
require $argv[1] . '/wp-load.php';

global $wpdb;
$table = $wpdb->prefix . 'demo_seo';
$posts = [];
foreach (get_posts(['numberposts' => -1, 'post_type' => ['post', 'page'], 'orderby' => 'ID', 'order' => 'ASC']) as $post) {
    $posts[] = ['title' => $post->post_title, 'content' => $post->post_content, 'link' => get_permalink($post),
        'builder' => get_post_meta($post->ID, '_page_builder', true)];
}
$cache = get_option('demo_plugin_cache');
echo json_encode([
    'home' => home_url(),
    'posts' => $posts,
    'themeMods' => get_theme_mods(),
    'widgets' => get_option('widget_text'),
    'settings' => json_decode((string) get_option('demo_plugin_settings'), true),
    'cache' => is_array($cache) ? unserialize($cache['html']) : null,
    'description' => get_option('blogdescription'),
    'seo' => array_map(
        fn (array $row): array => [...$row, 'data' => unserialize($row['data'])], // lengths differ with hosts
        $wpdb->get_results("SELECT canonical, data, SHA2(icon, 256) AS icon FROM `$table` ORDER BY id", ARRAY_A),
    ),
    'seoReadable' => array_reduce($wpdb->get_col("SELECT data FROM `$table`"), fn ($all, $row) => $all && is_array(unserialize($row)), true),
], JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
