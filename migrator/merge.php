<?php
/*
 * Takes changes to options back where somebody has written to the same option since: for each of
 * {before, written, now} (serialized, base64; null: not there) it answers with the value that keeps
 * the others' part, or false where the two cannot be told apart. No WordPress is loaded.
 */
error_reporting(E_ALL);
ini_set('display_errors', 'stderr');

/** What is now, without what was written over what was before. @throws UnexpectedValueException */
function without(mixed $before, mixed $written, mixed $now): mixed
{
    if ($now === $written) {
        return $before;
    }
    if ($written === $before) {
        return $now;
    }
    if (!is_array($now) || !is_array($written) || !is_array($before)) {
        throw new UnexpectedValueException('changed by both');
    }
    if (array_is_list($now) && array_is_list($written) && array_is_list($before)) {
        return list_without($before, $written, $now);
    }
    $kept = [];
    foreach ($now + $before as $key => $_) {
        $sides = [];
        foreach ([$before, $written, $now] as $side) {
            $sides[] = array_key_exists($key, $side) ? ['is' => $side[$key]] : null;
        }
        $one = entry_without(...$sides);
        if ($one !== null) {
            $kept[$key] = $one['is'];
        }
    }
    return $kept;
}

/** The same for one entry, which may not be there on any side. */
function entry_without(?array $before, ?array $written, ?array $now): ?array
{
    if ($now == $written && $now === $written) {
        return $before;
    }
    if ($written === $before) {
        return $now;
    }
    if ($before === null && is_array($written['is'] ?? null) && is_array($now['is'] ?? null)) {
        $left = without([], $written['is'], $now['is']);
        return $left === [] ? null : ['is' => $left];
    }
    if ($before === null || $written === null || $now === null) {
        throw new UnexpectedValueException('changed by both');
    }
    return ['is' => without($before['is'], $written['is'], $now['is'])];
}

/** Of lists (active_plugins) it matters what is in them: ours goes, what we took comes back. */
function list_without(array $before, array $written, array $now): array
{
    $is_in = fn(array $list) => fn($one) => in_array($one, $list, true);
    $not_in = fn(array $list) => fn($one) => !in_array($one, $list, true);
    $ours = array_filter($written, $not_in($before));
    $taken = array_filter($before, $not_in($written));
    $kept = array_values(array_filter($now, $not_in($ours)));
    $back = array_filter($taken, $not_in($kept));
    return array_merge($kept, array_values($back));
}

/** An option's text as a value: arrays are looked into, everything else is compared as it stands. */
function value(?string $encoded): mixed
{
    $text = base64_decode((string) $encoded);
    $value = str_starts_with($text, 'a:') ? @unserialize($text, ['allowed_classes' => false]) : $text;
    return is_array($value) ? $value : $text;
}

$answers = [];
foreach (json_decode(stream_get_contents(STDIN), true, 16, JSON_THROW_ON_ERROR) as $option) {
    try {
        $before = $option['before'] === null ? [] : value($option['before']);
        $left = without($before, value($option['written']), value($option['now']));
        $answers[] = base64_encode(is_array($left) ? serialize($left) : $left);
    } catch (UnexpectedValueException) {
        $answers[] = false;
    }
}
echo json_encode($answers, JSON_THROW_ON_ERROR), "\n";
