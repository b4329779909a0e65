<?php
/*
 * Writes down what a change is about to do to the database, before it is done: a line of JSON each,
 * flushed, so that a change that is killed half way can still be taken back. Only what this process
 * does is written down; what customers' requests do meanwhile never is.
 */
final class Journal
{
    /** @var resource */
    private $file;
    /** Writes to the options table that WordPress' own functions have announced. */
    private int $announced = 0;
    private string $options = '';
    /** @var array<string, true> */
    private array $tables = [];
    /** @var array<int, true> */
    private array $made = [];

    public function __construct(string $path)
    {
        $this->file = fopen($path, 'ab');
    }

    public function begin(): void
    {
        global $wpdb;
        $this->options = $wpdb->options;
        $this->tables = array_fill_keys($wpdb->get_col('SHOW TABLES'), true);
        $first = PHP_INT_MIN;
        add_action('add_option', fn($name, $value) => $this->option($name, $value), $first, 2);
        add_action('update_option', fn($name, $_old, $new) => $this->option($name, $new), $first, 3);
        add_action('delete_option', fn($name) => $this->option($name, null), $first);
        add_filter('wp_insert_post_data', function ($data, $post) {
            if (empty($post['ID'])) {
                $this->note(['making' => $data['post_name'], 'type' => $data['post_type']]);
            }
            return $data;
        }, PHP_INT_MAX, 2);
        add_action('wp_insert_post', fn($id, $post, $again) => $this->post($id, $again), $first, 3);
        add_filter('query', fn($query) => $this->query($query), PHP_INT_MAX);
    }

    private function option(string $name, mixed $value): void
    {
        $this->announced++;
        $stored = $value === null ? null : base64_encode((string) maybe_serialize($value));
        $this->note(['option' => $name, 'value' => $stored]);
    }

    private function post(int $id, bool $again): void
    {
        if ($again && !isset($this->made[$id])) {
            return;
        }
        global $wpdb;
        $this->made[$id] = true;
        $modified = $wpdb->get_var(
            $wpdb->prepare("SELECT post_modified_gmt FROM $wpdb->posts WHERE ID = %d", $id)
        );
        $this->note(['made' => $id, 'modified' => $modified]);
    }

    /** Refuses what could not be taken back; writes down tables, and writes to options by hand. */
    private function query(string $query): string
    {
        $table = '[`"]?([A-Za-z0-9_$]+)[`"]?';
        if (preg_match("/^\s*(?:DROP\s+TABLE(?:\s+IF\s+EXISTS)?|TRUNCATE(?:\s+TABLE)?|RENAME\s+TABLE)\s+$table/i", $query, $found)
            && isset($this->tables[$found[1]])) {
            throw new RuntimeException("error: it wants to destroy the table $found[1], which the site had before");
        }
        if (preg_match("/^\s*CREATE\s+TABLE(?:\s+IF\s+NOT\s+EXISTS)?\s+$table/i", $query, $found)
            && !isset($this->tables[$found[1]])) {
            $this->note(['table' => $found[1]]);
        }
        $write = "/^\s*(?:INSERT|REPLACE|UPDATE|DELETE)\b.*?[`\s]" . preg_quote($this->options, '/') . '\b/is';
        if (preg_match($write, $query) && $this->announced-- <= 0) {
            $this->announced = 0;
            $this->note(['byHand' => true]);
        }
        return $query;
    }

    private function note(array $line): void
    {
        fwrite($this->file, json_encode($line, JSON_THROW_ON_ERROR) . "\n");
        fflush($this->file);
    }
}
