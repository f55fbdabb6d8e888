//! Who names whom in the source: paths of any form, resolved to the module that holds what they name.
//!
//! `use` trees of any depth, `crate::`, `super::`, `self::`, the library's own name, children named without a prefix, aliases,
//! globs, and what a module hands on (`pub use`): whoever takes it there sees its owner too. Not seen: paths that a macro of
//! another crate puts together.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::tokens::{Token, tokens};

/// The way to a module from the root: `["provider", "http"]`.
pub(crate) type Way = Vec<String>;
/// From whom to whom.
pub(crate) type Arrows = BTreeMap<String, BTreeSet<String>>;

/// One module.
#[derive(Debug, Default)]
struct Module {
    /// What it takes in under a name.
    bound: BTreeMap<String, Vec<Way>>,
    /// What it takes in whole.
    globs: Vec<Way>,
    /// The items that it has itself.
    items: BTreeSet<String>,
    /// Every path that is written in it.
    paths: BTreeSet<Way>,
}

/// All modules of a package.
#[derive(Debug)]
struct Modules(BTreeMap<Way, Module>);

/// Who sees whom in a package.
#[derive(Debug)]
pub(crate) struct House {
    seen: BTreeSet<(Way, Way, bool)>,
}

impl House {
    /// Of the files below a folder.
    pub(crate) fn read(root: &str) -> Self {
        let files = crate::rust_files(Path::new(root));
        let texts = files.iter().map(|path| (path.strip_prefix(root).unwrap(), fs::read_to_string(path).unwrap()));
        let texts: Vec<(String, String)> = texts.map(|(path, text)| (path.display().to_string(), text)).collect();
        Self::of(texts.iter().map(|(path, text)| (path.as_str(), text.as_str())))
    }

    /// Of these files: path below the root, and text.
    pub(crate) fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut modules = Modules(BTreeMap::from([(Way::new(), Module::default())]));
        for (path, code) in files {
            let mut way: Way = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
            way.pop_if(|last| ["mod", "lib"].contains(&last.as_str()));
            modules.take_in(&way, &tokens(code));
        }
        Self { seen: modules.seen() }
    }

    /// Which child of `room` names which other one, or what another hands on. What stands in the room itself is its child `.`.
    pub(crate) fn arrows(&self, room: &[&str]) -> Arrows {
        self.between(room, |_| true)
    }

    /// Of these, the arrows that are there only because a module between hands on (`pub use`) what another owns.
    pub(crate) fn handed_on(&self, room: &[&str]) -> Arrows {
        let (mut all, named) = (self.arrows(room), self.between(room, |direct| direct));
        all.retain(|from, targets| {
            targets.retain(|target| !named.get(from).is_some_and(|named| named.contains(target)));
            !targets.is_empty()
        });
        all
    }

    fn between(&self, room: &[&str], counts: impl Fn(bool) -> bool) -> Arrows {
        let child = |way: &Way| {
            let inside = way.len() >= room.len() && way.iter().zip(room).all(|(one, two)| one == two);
            inside.then(|| way.get(room.len()).cloned().unwrap_or_else(|| ".".to_owned()))
        };
        let mut found = Arrows::new();
        for (from, to, direct) in &self.seen {
            let Some(one) = child(from) else { continue };
            let targets = found.entry(one.clone()).or_default();
            targets.extend(child(to).filter(|two| *two != one && counts(*direct)));
        }
        found
    }

    /// Which child of `room` names which child of the root beside the room.
    pub(crate) fn outside(&self, room: &str) -> Arrows {
        let mut found = Arrows::new();
        for (from, to, _) in self.seen.iter().filter(|(from, ..)| from.first().is_some_and(|first| first == room)) {
            let child = from.get(1).cloned().unwrap_or_else(|| ".".to_owned());
            found.entry(child).or_default().extend(to.first().filter(|first| *first != room).cloned());
        }
        found
    }
}

impl Modules {
    /// Every module and each module that it sees, itself among them; and whether it names it, or what another hands on.
    fn seen(&self) -> BTreeSet<(Way, Way, bool)> {
        let mut seen = BTreeSet::new();
        for (way, module) in &self.0 {
            seen.insert((way.clone(), way.clone(), true));
            let taken = module.bound.values().flatten().chain(&module.globs).map(|path| (path, false));
            // A name alone was bound or is there; or it came in with everything else.
            for (path, alone) in taken.chain(module.paths.iter().map(|path| (path, path.len() == 1))) {
                let mut met = Vec::new();
                if alone {
                    self.through_globs(way, path, &mut met, 0);
                } else {
                    self.resolve(way, path, true, &mut met, 0);
                }
                let mut direct = true;
                for to in met.into_iter().rev().filter(|to| to != way) {
                    seen.insert((way.clone(), to, direct));
                    direct = false;
                }
            }
        }
        seen
    }

    /// The module that a path leads to, as a module or as the owner of an item. `met` gets it and all that handed it on.
    /// `surely`: what is not found (a macro made it) is of the last module on the way.
    fn resolve(&self, from: &Way, path: &[String], surely: bool, met: &mut Vec<Way>, depth: usize) -> Option<Way> {
        let (first, rest) = path.split_first()?;
        let mut rest = rest;
        let mut at = match first.as_str() {
            "crate" if from.first().is_some_and(|first| first == "main") => vec!["main".to_owned()],
            "crate" | "holdshort" => Way::new(),
            "self" => from.clone(),
            "super" => from.split_last()?.1.to_vec(),
            _ => return self.descend(from, path, false, met, depth),
        };
        while let Some(below) = rest.split_first().filter(|(next, _)| *next == "super").map(|(_, below)| below) {
            (at, rest) = (at.split_last()?.1.to_vec(), below);
        }
        self.descend(&at, rest, surely, met, depth)
    }

    fn descend(&self, at: &Way, rest: &[String], surely: bool, met: &mut Vec<Way>, depth: usize) -> Option<Way> {
        let end = |met: &mut Vec<Way>| {
            met.push(at.clone());
            Some(at.clone())
        };
        let Some((name, below)) = rest.split_first() else { return end(met) };
        // Circles of globs (`use super::*` on both sides) lead nowhere new.
        if depth > 8 {
            return None;
        }
        let module = self.0.get(at)?;
        let child: Way = at.iter().chain([name]).cloned().collect();
        if self.0.contains_key(&child) {
            return self.descend(&child, below, surely, met, depth);
        }
        if module.items.contains(name) {
            return end(met);
        }
        for way in module.bound.get(name).into_iter().flatten() {
            let whole: Way = way.iter().chain(below).cloned().collect();
            if whole != rest
                && let Some(found) = self.resolve(at, &whole, true, met, depth + 1)
            {
                met.push(at.clone());
                return Some(found);
            }
        }
        self.through_globs(at, rest, met, depth).or_else(|| if surely { end(met) } else { None })
    }

    fn through_globs(&self, at: &Way, rest: &[String], met: &mut Vec<Way>, depth: usize) -> Option<Way> {
        for glob in &self.0.get(at)?.globs {
            let whole: Way = glob.iter().chain(rest).cloned().collect();
            let mut through = Vec::new();
            if let Some(found) = self.resolve(at, &whole, false, &mut through, depth + 1) {
                met.extend(through);
                met.push(at.clone());
                return Some(found);
            }
        }
        None
    }

    fn take_in(&mut self, file: &Way, code: &[Token]) {
        self.0.entry(file.clone()).or_default();
        // The modules that are open, each with the depth of braces at which it closes.
        let (mut open, mut depth) = (vec![(file.clone(), 0_usize)], 0_usize);
        let mut at = 0;
        while let Some(token) = code.get(at) {
            let way = open.last().map(|(way, _)| way.clone()).unwrap_or_default();
            let before = at.checked_sub(1).and_then(|before| code.get(before));
            at += 1;
            match token {
                Token::Sign('{') => depth += 1,
                Token::Sign('}') => {
                    depth = depth.saturating_sub(1);
                    open.pop_if(|(_, closes)| *closes > depth);
                }
                // `pub(in crate::app)` names nobody.
                Token::Name(word) if word == "pub" && code.get(at) == Some(&Token::Sign('(')) => {
                    while code.get(at).is_some_and(|token| *token != Token::Sign(')')) {
                        at += 1;
                    }
                }
                Token::Name(word) if word == "mod" => {
                    let Some(Token::Name(name)) = code.get(at) else { continue };
                    let child: Way = way.iter().chain([name]).cloned().collect();
                    if code.get(at + 1) == Some(&Token::Sign('{')) {
                        self.0.entry(child.clone()).or_default();
                        open.push((child, depth + 1));
                    }
                    at += 1;
                }
                Token::Name(word) if word == "use" => {
                    let module = self.0.entry(way).or_default();
                    at = tree(code, at, &Way::new(), module);
                }
                Token::Name(word) if KINDS.contains(&word.as_str()) => {
                    // `const fn f` is an `fn`.
                    if let Some(Token::Name(name)) = code.get(at)
                        && !KINDS.contains(&name.as_str())
                    {
                        self.0.entry(way).or_default().items.insert(name.clone());
                        at += 1;
                    }
                }
                Token::Name(word) if !matches!(before, Some(Token::Sep | Token::Sign('.'))) => {
                    let mut path = vec![word.clone()];
                    while let (Some(Token::Sep), Some(Token::Name(next))) = (code.get(at), code.get(at + 1)) {
                        path.push(next.clone());
                        at += 2;
                    }
                    self.0.entry(way).or_default().paths.insert(path);
                }
                _ => {}
            }
        }
    }
}

/// What begins an item.
const KINDS: [&str; 8] = ["fn", "struct", "enum", "trait", "type", "const", "static", "union"];

/// Reads one `use` tree from `at` on; the place after it.
fn tree(code: &[Token], mut at: usize, before: &Way, module: &mut Module) -> usize {
    let mut way = before.clone();
    // A leading `::` names another crate.
    if before.is_empty() && code.get(at) == Some(&Token::Sep) {
        way.push(String::new());
        at += 1;
    }
    loop {
        match code.get(at) {
            Some(Token::Name(name)) if name == "as" => {
                if let Some(Token::Name(alias)) = code.get(at + 1) {
                    module.bound.entry(alias.clone()).or_default().push(way);
                }
                return at + 2;
            }
            Some(Token::Name(name)) => {
                // `{self}` is what stands before the braces.
                if name != "self" || way.is_empty() {
                    way.push(name.clone());
                }
                at += 1;
            }
            Some(Token::Sep) => at += 1,
            Some(Token::Sign('*')) => {
                module.globs.push(way);
                return at + 1;
            }
            Some(Token::Sign('{')) => {
                at += 1;
                while let Some(token) = code.get(at) {
                    match token {
                        Token::Sign('}') => return at + 1,
                        Token::Sign(',') => at += 1,
                        _ => at = tree(code, at, &way, module),
                    }
                }
                return at;
            }
            _ => {
                if let Some(last) = way.last().cloned() {
                    module.bound.entry(last).or_default().push(way);
                }
                return at;
            }
        }
    }
}
