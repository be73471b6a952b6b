//! Words that say nothing, or something else than ours: no type, function, field, file or metric is named by one.

use super::tree::{Fault, File, Kind, Tree};

/// The words that are not used, each also with an `s`.
const BANNED: [&str; 14] = [
    "message",
    "item",
    "data",
    "manager",
    "handler",
    "helper",
    "util",
    "utility",
    "utilities",
    "common",
    "processor",
    "node",
    "payload",
    "misc",
];

/// Names that are not ours to choose: where they may stand, how they read in lower case with `_` between the words, and
/// whose they are.
const EXCEPTIONS: [(&str, &str, &str); 9] = [
    ("", "no_data", "AWS calls a record without traffic NODATA"),
    ("", "skip_data", "AWS calls a record of lost traffic SKIPDATA"),
    ("", "data_stream", "Elasticsearch's word for where documents go"),
    ("tests/services/", "node", "what a server of a search cluster is called"),
    ("src/app/pages/baselines.rs", "data", "the name of a type that every body of an answer has"),
    ("src/s3/content.rs", "data", "the name of a type that every body of a request has"),
    ("src/enrich/", "bad_data", "MaxMind's folder of broken databases"),
    ("src/enrich/", "node", "MaxMind's word for a fork of its search tree"),
    ("src/enrich/", "nodes", "MaxMind's word for the forks of its search tree"),
];

/// The keywords after which a name is declared.
const KEYWORDS: [&str; 9] = ["fn", "struct", "enum", "trait", "union", "type", "mod", "const", "static"];

/// A name and where it is declared.
struct Name<'a> {
    text: &'a str,
    line: usize,
}

/// Names with a banned word in them.
pub fn faults(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in &tree.files {
        for part in file.path.split(['/', '.']) {
            faults.extend(fault(file, &Name { text: part, line: 1 }));
        }
        for name in declared(file) {
            faults.extend(fault(file, &name));
        }
    }
    faults
}

fn fault(file: &File, name: &Name<'_>) -> Option<Fault> {
    let word = banned_word(&file.path, name.text)?;
    Some(file.fault(name.line, format!("`{}` holds the word `{word}`", name.text)))
}

/// The first banned word of a name in snake case, kebab case or camel case.
fn banned_word(path: &str, name: &str) -> Option<String> {
    let mut words = format!("_{}_", snake(name));
    for (_, phrase, _) in EXCEPTIONS.iter().filter(|(within, ..)| path.starts_with(within)) {
        words = words.replace(&format!("_{phrase}_"), "_");
    }
    let bare = |word: &str| {
        BANNED.contains(&word) || word.strip_suffix('s').is_some_and(|one| BANNED.contains(&one))
    };
    words.split('_').find(|word| bare(word)).map(str::to_owned)
}

/// The name in lower case with `_` between its words.
fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let follows_lower = at > 0 && letters[at - 1].is_lowercase();
        let begins_word = at > 0
            && letters[at - 1].is_uppercase()
            && letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && (follows_lower || begins_word) {
            out.push('_');
        }
        out.extend(if letter.is_alphanumeric() { *letter } else { '_' }.to_lowercase());
    }
    out
}

/// Every name that the file declares, and every metric that it names.
fn declared(file: &File) -> Vec<Name<'_>> {
    let mut names = Vec::new();
    for (at, token) in file.tokens.iter().enumerate() {
        let is_word = |at: usize| file.tokens.get(at).is_some_and(|token| token.kind == Kind::Word);
        if token.kind == Kind::Literal && token.text.starts_with("\"floodmark_") {
            names.push(Name { text: token.text.trim_matches('"'), line: token.line });
        }
        let is_pointer = at > 0 && file.text_at(at - 1) == "*";
        let keyword = token.kind == Kind::Word && KEYWORDS.contains(&&*token.text) && !is_pointer;
        let declares = keyword && is_word(at + 1);
        // `impl Iterator` and the like must name their type `Item`.
        let foreign = token.text == "type" && file.text_at(at + 1) == "Item";
        if !declares || foreign || is_test(file, at) || KEYWORDS.contains(&file.text_at(at + 1)) {
            continue;
        }
        names.push(Name { text: file.text_at(at + 1), line: file.tokens[at + 1].line });
        if let (kind @ ("struct" | "enum" | "union"), Some(body)) = (&*token.text, body_after(file, at)) {
            inside(file, body, kind == "enum", &mut names);
        }
    }
    names
}

/// Whether the `fn` at `at` is a test, whose name is a sentence and names no thing.
fn is_test(file: &File, at: usize) -> bool {
    let fits = |open: usize| {
        file.text_at(open) == "[" && file.after(open) == at - usize::from(file.text_at(at - 1) == "async")
    };
    let attribute = (at.saturating_sub(12)..at).rev().find(|open| fits(*open));
    attribute.is_some_and(|open| file.tokens[open..at].iter().any(|token| token.text == "test"))
}

/// The brace that opens the body of the type declared at `at`.
fn body_after(file: &File, at: usize) -> Option<usize> {
    let mut next = at + 1;
    while next < file.tokens.len() && file.text_at(next) != ";" {
        if file.text_at(next) == "{" {
            return Some(next);
        }
        next = file.after(next);
    }
    None
}

/// The fields of a struct, or the variants of an enum and their fields, between the braces that open at `open`.
fn inside<'a>(file: &'a File, open: usize, variants: bool, names: &mut Vec<Name<'a>>) {
    let Some(close) = file.close_of(open) else { return };
    let mut at = open + 1;
    let mut begins = true;
    while at < close {
        if begins {
            while file.text_at(at) == "#" {
                at = file.after(at + 1);
            }
            if file.text_at(at) == "pub" {
                at += 1;
                at = if file.text_at(at) == "(" { file.after(at) } else { at };
            }
            let is_field = file.text_at(at + 1) == ":" && file.text_at(at + 2) != ":";
            if at < close && (variants || is_field) && file.tokens[at].kind == Kind::Word {
                names.push(Name { text: file.text_at(at), line: file.tokens[at].line });
            }
            if variants && file.text_at(at + 1) == "{" {
                inside(file, at + 1, false, names);
            }
        }
        begins = file.text_at(at) == ",";
        at = file.after(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        faults(&Tree::of(&[("src/a.rs", text)])).iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn a_banned_word_is_caught_in_every_kind_of_name() {
        for bad in [
            "fn read_data() {}",
            "struct MessageQueue;",
            "enum A { B, Payload(u8) }",
            "enum A { B { #[serde(default)] raw_items: u8 } }",
            "pub struct A<T> where T: B { pub a: C<D, E>, pub(crate) node_id: u8 }",
            "struct A { #[doc = \"x\"] b: u8, handler: fn(u8, u8) }",
            "trait Processor {}",
            "impl A { const fn helper() {} }",
            "const COMMON_NAMES: u8 = 1;",
            "static UTILS: u8 = 1;",
            "mod util;",
            "type Manager = u8;",
            "mod tests { fn the_item_is_kept() {} }",
            "#[must_use] fn an_item() {}",
            "const A: &str = \"floodmark_source_messages_total\";",
        ] {
            assert_eq!(lines(bad), [1], "{bad}");
        }
    }

    #[test]
    fn words_that_only_hold_the_letters_and_names_of_others_pass() {
        for good in [
            "type Item = u8;",
            "fn metadata() { file.sync_data(); let database = a.data; }",
            "enum A { NoData, SkipData }",
            "struct A { no_data_per_day: u32, data_stream: B }",
            "const fn commoner() {}",
            "// the message\nconst A: &str = \"message\";",
            "fn f(a: *const Node) {}",
            "#[test]\nfn an_error_message_names_the_key() {}",
            "#[tokio::test(start_paused = true)]\nasync fn a_message_waits() {}",
        ] {
            assert_eq!(lines(good), [0; 0], "{good}");
        }
    }

    #[test]
    fn the_word_of_a_file_format_passes_where_that_format_is_read_and_nowhere_else() {
        let text = "struct A { node_count: u32 }";
        assert!(faults(&Tree::of(&[("src/enrich/database.rs", text)])).is_empty());
        assert_eq!(faults(&Tree::of(&[("src/score/pool.rs", text)])).len(), 1);
    }

    #[test]
    fn a_file_or_a_directory_named_by_a_banned_word_is_caught() {
        for bad in ["src/sink/helpers.rs", "src/util/a.rs", "tests/configs/bad/data.yaml", "src/a-node.txt"] {
            assert_eq!(faults(&Tree::of(&[(bad, "")])).len(), 1, "{bad}");
        }
    }

    #[test]
    fn a_name_falls_into_words_as_a_reader_sees_them() {
        for (name, words) in [
            ("HTTPMessage", "http_message"),
            ("noData", "no_data"),
            ("a_b", "a_b"),
            ("VpcFlowV2", "vpc_flow_v2"),
            ("FIELD_COUNT", "field_count"),
            ("mean-time", "mean_time"),
        ] {
            assert_eq!(snake(name), words);
        }
    }
}
