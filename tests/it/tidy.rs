//! The house rules, read off the source text. Each rule stands in a file of its own beside a sample that it must catch.

mod bans;
mod imports;
mod names;
mod places;
mod size;
mod tree;

use std::io::Write;

use tree::{Fault, Tree};

/// Fails with every fault, one to a line, as `path:line: what`.
fn assert_none(faults: &[Fault]) {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} against the house rules:\n{}", lines.len(), lines.join("\n"));
}

#[test]
fn no_room_imports_what_its_layer_may_not() {
    assert_none(&imports::faults(Tree::project()));
}

#[test]
fn every_room_has_a_row_in_the_table_of_layers() {
    assert_none(&imports::rooms_without_a_row(Tree::project()));
}

#[test]
fn every_file_says_first_what_it_is_for() {
    assert_none(&size::without_purpose(Tree::project()));
}

#[test]
fn no_file_is_longer_than_its_limit() {
    assert_none(&size::long_files(Tree::project()));
}

#[test]
fn no_function_is_longer_than_seventy_lines() {
    assert_none(&size::long_functions(Tree::project()));
}

#[test]
fn half_of_the_files_are_shorter_than_a_few_screens() {
    let median = size::median(Tree::project());
    // Not `println!`, which is shown for a failed test only.
    let _ = writeln!(std::io::stderr(), "median length of the files under src: {median} lines");
    assert!(median <= size::MEDIAN_LINES_MAX, "the median file has {median} lines");
}

#[test]
fn a_module_file_carries_the_name_of_its_module() {
    assert_none(&places::module_files(Tree::project()));
}

#[test]
fn no_name_is_one_of_the_words_that_say_nothing() {
    assert_none(&names::faults(Tree::project()));
}

#[test]
fn only_the_clock_reads_the_time() {
    assert_none(&bans::clocks(Tree::project()));
}

#[test]
fn nothing_is_left_open() {
    assert_none(&bans::left_open(Tree::project()));
}

#[test]
fn nothing_is_unsafe_but_the_counting_allocator() {
    assert_none(&bans::unsafety(Tree::project()));
}

#[test]
fn yaml_is_read_in_one_file_only() {
    assert_none(&bans::yaml_readers(Tree::project()));
}

#[test]
fn no_file_names_the_machine_it_was_written_on() {
    assert_none(&places::machines(Tree::project()));
}
