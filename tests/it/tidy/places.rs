//! Where a file may lie, and that none names the place where it was written.

use super::tree::{Fault, Tree};

/// Directories and hosts that are true of one machine only. In two parts each, so that this file does not hold what
/// it looks for.
const MACHINES: [&str; 13] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("static.", "crates.io"),
    concat!("index.", "crates.io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("registry.", "npmjs"),
    concat!("proxy.", "golang"),
    concat!("repo1.", "maven"),
    concat!("repo.", "maven"),
    concat!("deb.", "debian"),
];

/// Module files that do not carry their module's name.
pub fn module_files(tree: &Tree) -> Vec<Fault> {
    let nameless = tree.rust().filter(|file| file.path.ends_with("/mod.rs"));
    nameless.map(|file| file.fault(1, "write `foo.rs` beside `foo/`, not `foo/mod.rs`")).collect()
}

/// Lines of any file that name a machine's directory or a registry's host.
pub fn machines(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in &tree.files {
        for (number, line) in file.text.lines().enumerate() {
            if let Some(word) = MACHINES.iter().find(|word| line.contains(**word)) {
                faults.push(file.fault(number + 1, format!("`{word}` is true of one machine only")));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_file_without_a_name_is_caught() {
        let tree = Tree::of(&[("src/sink/mod.rs", ""), ("src/sink.rs", ""), ("tests/it/a/mod.rs", "")]);
        assert_eq!(module_files(&tree).len(), 2);
    }

    #[test]
    fn the_place_where_a_file_was_written_is_caught_in_any_file() {
        for word in MACHINES {
            let text = format!("one\nsee https:/{word}x\n");
            for path in ["README.md", ".ci/run", "config/demo.yaml"] {
                let lines: Vec<usize> =
                    machines(&Tree::of(&[(path, &text)])).iter().map(|fault| fault.line).collect();
                assert_eq!(lines, [2], "{word} in {path}");
            }
        }
        assert!(machines(&Tree::of(&[("README.md", "from crates.io, into a work directory")])).is_empty());
    }
}
