//! The reader of arrows, held against small packages in which they are hard to see.

use crate::house::{Arrows, House};

fn arrows(rows: &[(&str, &[&str])]) -> Arrows {
    rows.iter().map(|(from, to)| ((*from).to_owned(), to.iter().map(|to| (*to).to_owned()).collect())).collect()
}

/// What `code`, which is `a/inner.rs`, names of its package's rooms `a` to `e`; `b` to `e` have each an item `Thing` and a module.
fn named(code: &str) -> Vec<String> {
    let room = "pub mod part; pub struct Thing; pub fn act() {}";
    let mut files =
        vec![("lib.rs", "pub mod a; pub mod b; pub mod c; pub mod d; pub mod e;"), ("a/mod.rs", "mod inner;")];
    files.extend(["b/mod.rs", "c/mod.rs", "d/mod.rs", "e/mod.rs"].map(|path| (path, room)));
    files.extend(["b/part.rs", "c/part.rs", "d/part.rs", "e/part.rs"].map(|path| (path, "pub struct Deep;")));
    files.push(("a/inner.rs", code));
    let arrows = House::of(files).arrows(&[]);
    arrows.get("a").into_iter().flatten().filter(|room| *room != ".").cloned().collect()
}

#[test]
fn a_path_is_seen_in_every_form_in_which_it_can_be_written() {
    let table: [(&str, &[&str]); 14] = [
        ("use crate::b::Thing;", &["b"]),
        ("use crate::{b::{self, part::{Deep as D}}, c::*, d::{part}};", &["b", "c", "d"]),
        ("use super::super::b::Thing;", &["b"]),
        ("use super::super::{c::{part::Deep}, e};", &["c", "e"]),
        ("use self::deeper::*; mod deeper { pub use super::super::super::d::Thing; }", &["d"]),
        (
            "fn f() -> crate::b::Thing { let x: Option<crate::c::part::Deep> = None; super::super::d::act() }",
            &["b", "c", "d"],
        ),
        ("pub(in crate::a) struct S(pub(crate) crate::e::Thing);", &["e"]),
        ("impl<'b> From<&'b str> for S { fn g(c: char) { matches!(c, 'd' | '\\'' | '\"'); crate::b::act() } }", &["b"]),
        ("use crate::a::*; fn f() { <S as crate::c::part::Deep>::go::<crate::d::Thing>() }", &["c", "d"]),
        ("macro_rules! m { () => { $crate::e::act() } }", &["e"]),
        ("use crate as root; fn f() { root::b::act() }", &["b"]),
        ("#[cfg(test)] mod tests { use super::*; use crate::c::Thing; }", &["c"]),
        ("const fn f() {} const X: &'static crate::d::Thing = &crate::d::Thing;", &["d"]),
        ("use crate::{b::Thing as T}; fn f(part: u8) { let c = part; e::f(d, c) }", &["b"]),
    ];
    for (code, rooms) in table {
        assert_eq!(named(code), rooms, "{code}");
    }
}

#[test]
fn what_is_only_talked_about_is_no_arrow() {
    let silent = [
        "// use crate::b::Thing;",
        "/* crate::b /* crate::c */ crate::d */ fn f() {}",
        "/// See [`crate::b::Thing`].\nfn f() {}",
        "fn f() -> &'static str { \"crate::b::Thing\" }",
        "const T: &str = r#\"use \"crate::b\"; crate::c\"#; const B: &[u8] = br##\"crate::d\"# \"##;",
        "fn f() { g(b\"\\\"crate::b\", '\"', \"crate::c\", b'\"') }",
        "use ::b::Thing; use serde::c::Thing as d;",
        "struct S { b: u8, crate_: u8 } fn f(s: S) { s.b; s.c.d() }",
    ];
    for code in silent {
        assert_eq!(named(code), Vec::<String>::new(), "{code}");
    }
}

#[test]
fn whoever_takes_what_a_room_hands_on_sees_its_owner_and_the_arrow_is_told_apart() {
    let house = House::of([
        ("a.rs", "use crate::b::Thing;"),
        ("a2.rs", "use crate::b::renamed; fn f() { renamed::part::act() }"),
        ("a3.rs", "use crate::b::*; fn f(x: Globbed) {}"),
        ("b/mod.rs", "mod own; pub use crate::c::Thing; pub use crate::d as renamed; pub use self::own::*;"),
        ("b/own.rs", "pub use super::super::c::Globbed;"),
        ("c.rs", "pub struct Thing; pub struct Globbed;"),
        ("d/mod.rs", "pub mod part;"),
        ("d/part.rs", "pub fn act() {}"),
    ]);
    let handed = [("a", ["c"].as_slice()), ("a2", &["d"]), ("a3", &["c"])];
    assert_eq!(house.handed_on(&[]), arrows(&handed));
    let all: [(&str, &[&str]); 7] = [
        (".", &[]),
        ("a", &["b", "c"]),
        ("a2", &["b", "d"]),
        ("a3", &["b", "c"]),
        ("b", &["c", "d"]),
        ("c", &[]),
        ("d", &[]),
    ];
    assert_eq!(house.arrows(&[]), arrows(&all));
}

#[test]
fn arrows_are_seen_between_the_folders_of_a_room_and_out_of_it() {
    let house = House::of([
        ("main.rs", "use holdshort::run; mod crate_local {} fn main() { holdshort::run::go(); }"),
        ("run.rs", "mod one; mod two; pub fn go() { one::x(two::y()) }"),
        ("run/one.rs", "pub fn x(y: super::two::Y) { super::go(); crate::view::show() }"),
        ("run/two.rs", "pub struct Y; pub fn y() -> Y { Y } mod tests { use super::*; use super::super::one; }"),
        ("view/mod.rs", "pub fn show() {}"),
    ]);
    let inside: [(&str, &[&str]); 3] = [(".", &["one", "two"]), ("one", &[".", "two"]), ("two", &["one"])];
    assert_eq!(house.arrows(&["run"]), arrows(&inside));
    assert_eq!(house.outside("run"), arrows(&[(".", &[]), ("one", &["view"]), ("two", &[])]));
    assert_eq!(house.arrows(&[]), arrows(&[(".", &[]), ("main", &["run"]), ("run", &["view"]), ("view", &[])]));
}
