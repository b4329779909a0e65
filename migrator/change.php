<?php
/*
 * Changes a WordPress by WordPress' own functions; the files are in place already. It answers with
 * JSON on stdout. Keys beside boot.php's: journal (path), action, plugins (slugs), options (of
 * which plugin, or of the template), theme, pages.
 */
require __DIR__ . '/boot.php';
require __DIR__ . '/journal.php';

// From before the first plugin is loaded: a new version may convert its options as soon as it runs.
$begin = ['function' => [new Journal($in['journal']), 'begin'], 'accepted_args' => 0];
$wp_filter = ['muplugins_loaded' => [10 => [$begin]]];
require ABSPATH . 'wp-settings.php';
foreach (['plugin', 'theme', 'file', 'misc', 'upgrade', 'post'] as $name) {
    require_once ABSPATH . "wp-admin/includes/$name.php";
}

function give_up(string $sentence): never
{
    fwrite(STDERR, "error: $sentence\n");
    exit(3);
}

/** A plugin's main file below plugins/, by its folder (or, of one file, its name). */
function plugin_file(string $slug): string
{
    foreach (array_keys(get_plugins()) as $file) {
        if (dirname($file) === $slug || $file === "$slug.php") {
            return $file;
        }
    }
    give_up("the plugin $slug is not installed");
}

function activate(string $slug): void
{
    $file = plugin_file($slug);
    $result = activate_plugin($file);
    if (is_wp_error($result) && $result->get_error_code() !== 'unexpected_output') {
        give_up("$slug cannot be activated: " . wp_strip_all_tags($result->get_error_message()));
    }
    if (!is_plugin_active($file)) {
        give_up("$slug did not become active");
    }
}

function set_options(array $options): void
{
    foreach ($options as $name => $value) {
        update_option($name, $value);
    }
}

function use_theme(string $theme): void
{
    $found = wp_get_theme($theme);
    if (!$found->exists() || $found->errors()) {
        give_up("the theme $theme is not there, or not whole");
    }
    if (get_stylesheet() !== $theme) {
        switch_theme($theme);
    }
}

/** Makes the pages that are not there yet; one of the same name is the customer's and stays. */
function make_pages(array $pages): array
{
    $made = [];
    foreach ($pages as $page) {
        $id = get_page_by_path($page['slug'])?->ID;
        if ($id === null) {
            $id = wp_insert_post(wp_slash([
                'post_type' => 'page',
                'post_status' => 'publish',
                'post_name' => $page['slug'],
                'post_title' => $page['title'],
                'post_content' => str_replace('{{siteUrl}}', home_url(), $page['content']),
            ]), true);
            if (is_wp_error($id)) {
                give_up("the page {$page['slug']} could not be made");
            }
            $made[] = $page['slug'];
        }
        if (!empty($page['front'])) {
            set_options(['show_on_front' => 'page', 'page_on_front' => $id]);
        }
    }
    return $made;
}

$pages = [];
$slugs = $in['plugins'];
wp_clean_plugins_cache(false);

switch ($in['action']) {
    case 'install-plugins':
    case 'enable-plugins':
        array_map('activate', $slugs);
        break;
    case 'update-plugins':
        array_map('plugin_file', $slugs);
        break;
    case 'configure-plugins':
        foreach ($in['options'] as $slug => $options) {
            plugin_file($slug);
            set_options($options);
        }
        break;
    case 'disable-plugins':
    case 'uninstall-plugins':
        deactivate_plugins(array_map('plugin_file', $slugs));
        break;
    case 'change-theme':
        use_theme($in['theme']);
        break;
    case 'apply-template':
        use_theme($in['theme']);
        array_map('activate', $slugs);
        set_options($in['options']);
        $pages = make_pages($in['pages']);
        break;
    default:
        give_up("there is no action {$in['action']}");
}
echo "\n", json_encode(['pages' => $pages], JSON_THROW_ON_ERROR), "\n";
