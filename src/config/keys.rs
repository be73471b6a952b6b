//! Keys written twice, and the merge key, which YAML 1.2 no longer has: both are refused rather than guessed at.

use std::collections::BTreeMap;

use super::{
    path::Path,
    survey::Survey,
    tree::{Pair, Position, Style, Tree},
};

/// Notes each key that is written again in the same map, and each `<<`; both are taken out, so that each key is
/// there once.
pub(super) fn check(tree: &mut Tree, survey: &mut Survey) {
    walk(tree, &mut Path::root(), survey);
}

fn walk(tree: &mut Tree, path: &mut Path, survey: &mut Survey) {
    match tree {
        Tree::Leaf(_) => {}
        Tree::List { values, .. } => {
            for (index, value) in values.iter_mut().enumerate() {
                path.push_index(index);
                walk(value, path, survey);
                path.pop();
            }
        }
        Tree::Map { pairs, .. } => {
            let mut first = BTreeMap::new();
            pairs.retain(|pair| keep(pair, &mut first, path, survey));
            for Pair { key, value } in pairs {
                path.push_key(&key.text);
                walk(value, path, survey);
                path.pop();
            }
        }
    }
}

fn keep(pair: &Pair, first: &mut BTreeMap<String, Position>, path: &Path, survey: &mut Survey) -> bool {
    let key = &pair.key;
    if key.text == "<<" && key.style == Style::Plain {
        let remedy = "write the keys out, or give a whole value an alias".to_owned();
        survey.note(&path.key("<<"), key.at, "maps cannot be merged", remedy);
        return false;
    }
    if let Some(at) = first.get(&key.text) {
        let text = format!("the key is there already, on line {}", at.line);
        survey.note(&path.key(&key.text), key.at, text, "remove one of the two".to_owned());
        return false;
    }
    first.insert(key.text.clone(), key.at);
    true
}
