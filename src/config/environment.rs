//! `${NAME}` and `${NAME:-default}` in plain and quoted scalars, replaced by what the environment holds.
//!
//! A name is `[A-Z_][A-Z0-9_]*`; any other `${` stays as it is, so that AWS's format strings need no escape, and
//! `$${` writes `${`. What is put in is text of one scalar: it cannot bring new keys.

use super::{
    path::Path,
    survey::Survey,
    tree::{Leaf, Pair, Style, Tree},
};

type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A reference at the start of a text.
struct Reference<'a> {
    name: &'a str,
    default: Option<&'a str>,
    rest: &'a str,
}

/// Replaces every reference in the tree, keys included, and notes each name that is not set and has no default.
pub(super) fn substitute(tree: &mut Tree, env: Environment<'_>, survey: &mut Survey) {
    walk(tree, &mut Path::root(), env, survey);
}

fn walk(tree: &mut Tree, path: &mut Path, env: Environment<'_>, survey: &mut Survey) {
    match tree {
        Tree::Leaf(leaf) => expand_leaf(leaf, path, env, survey),
        Tree::List { values, .. } => {
            for (index, value) in values.iter_mut().enumerate() {
                path.push_index(index);
                walk(value, path, env, survey);
                path.pop();
            }
        }
        Tree::Map { pairs, .. } => {
            for Pair { key, value } in pairs {
                path.push_key(&key.text);
                expand_leaf(key, path, env, survey);
                path.pop();
                path.push_key(&key.text);
                walk(value, path, env, survey);
                path.pop();
            }
        }
    }
}

fn expand_leaf(leaf: &mut Leaf, path: &Path, env: Environment<'_>, survey: &mut Survey) {
    if leaf.style == Style::Block || !leaf.text.contains("${") {
        return;
    }
    let mut unset = Vec::new();
    let text = expand(&leaf.text, env, &mut unset);
    for name in &unset {
        let remedy = format!("set it, or give a default: ${{{name}:-default}}");
        survey.spoil(path, leaf.at, format!("the environment variable `{name}` is not set"), remedy);
    }
    if unset.is_empty() && text != leaf.text {
        leaf.written = Some(std::mem::replace(&mut leaf.text, text));
    }
}

/// `text` with its references replaced; names without a value go to `unset`.
fn expand(text: &str, env: Environment<'_>, unset: &mut Vec<String>) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        let (before, from) = rest.split_at(dollar);
        expanded.push_str(before);
        if let Some(after) = from.strip_prefix("$${") {
            expanded.push_str("${");
            rest = after;
        } else if let Some(Reference { name, default, rest: after }) = reference(from) {
            // As in a shell, `:-` also stands in for a value that is set but empty.
            match env(name).filter(|value| default.is_none() || !value.is_empty()).as_deref().or(default) {
                Some(value) => expanded.push_str(value),
                None => unset.push(name.to_owned()),
            }
            rest = after;
        } else {
            expanded.push('$');
            rest = &from[1..];
        }
    }
    expanded.push_str(rest);
    expanded
}

fn reference(text: &str) -> Option<Reference<'_>> {
    let (inside, rest) = text.strip_prefix("${")?.split_once('}')?;
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    let begins = name.starts_with(|first: char| first.is_ascii_uppercase() || first == '_');
    let holds = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    (begins && holds).then_some(Reference { name, default, rest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_and_everything_else_stays() {
        let env = |name: &str| match name {
            "A" => Some("one".to_owned()),
            "_B2" => Some("${A}".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let table = [
            ("${A}", "one"),
            ("x${A}y${A}", "xoneyone"),
            ("${_B2}", "${A}"),
            ("${EMPTY}", ""),
            ("${EMPTY:-d}", "d"),
            ("${C:-d e}", "d e"),
            ("${C:-}", ""),
            ("${C:-a:-b}", "a:-b"),
            ("${A:-d}", "one"),
            ("$${A}", "${A}"),
            ("$$${A}", "$${A}"),
            ("$A", "$A"),
            ("$", "$"),
            ("${", "${"),
            ("${A", "${A"),
            ("${}", "${}"),
            ("${version} ${account-id}", "${version} ${account-id}"),
            ("${a}${A}", "${a}one"),
            ("${2A}", "${2A}"),
            ("${A-d}", "${A-d}"),
            ("${A:?d}", "${A:?d}"),
            ("${ A }", "${ A }"),
            ("é${A}é", "éoneé"),
            ("$${", "${"),
        ];
        for (text, wanted) in table {
            let mut unset = Vec::new();
            assert_eq!(expand(text, &env, &mut unset), wanted, "{text}");
            assert!(unset.is_empty(), "{text}");
        }
    }

    #[test]
    fn every_unset_name_is_told() {
        let mut unset = Vec::new();
        expand("${X} ${Y:-y} ${Z}", &|_| None, &mut unset);
        assert_eq!(unset, ["X", "Z"]);
    }
}
