//! What the README says that the program knows. `UPDATE=1 cargo test --test readme` writes it anew.

use std::fs;

use holdshort::cli::keys::markdown_table;

const BEGIN: &str = "<!-- keys -->\n";
const END: &str = "<!-- /keys -->";

#[test]
fn the_readme_lists_the_keys_as_they_are() {
    let readme = fs::read_to_string("README.md").unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("README.md has <!-- keys -->");
    let (written, after) = rest.split_once(END).expect("README.md has <!-- /keys -->");
    let table = markdown_table();
    if std::env::vars().any(|(name, _)| name == "UPDATE") {
        fs::write("README.md", format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
    } else {
        assert_eq!(written, table);
    }
}
