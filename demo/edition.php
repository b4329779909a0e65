<?php
/**
 * Publishes a second edition, and with it a plugin whose licence knows dev and sit only: in prod,
 * behind the load balancer, it breaks the REST API, which nobody could see before.
 * Usage: php edition.php PATH-TO-WORDPRESS   (environment as in the site's container)
 */

$_SERVER['HTTPS'] = 'on';
$_SERVER['HTTP_HOST'] = parse_url((string) getenv('WORDPRESS_SITE_URL'), PHP_URL_HOST);
require $argv[1] . '/wp-load.php';

update_option('blogdescription', 'The second edition');
wp_mkdir_p(WPMU_PLUGIN_DIR);
file_put_contents(WPMU_PLUGIN_DIR . '/licence.php', <<<'PLUGIN'
<?php
add_action('rest_api_init', function (): void {
    $is_public = isset($_SERVER['HTTP_X_FORWARDED_FOR']);
    if ($is_public && str_ends_with($_SERVER['HTTP_HOST'] ?? '', '.wp.kimmyai.io')) {
        status_header(500);
        exit('No licence for this domain.');
    }
});
PLUGIN);
echo json_encode(['description' => get_option('blogdescription'), 'plugin' => 'licence.php']);
