//! Where things run, in few cells: two places that differ never read alike.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use crate::{app::model::Model, view::measure};

/// A name is not shortened below this, and needs never more.
const NARROWEST: usize = 7;
/// A column of names is not made wider than this on their account.
const WIDEST: usize = 16;

/// How a name that is too long is shortened. The first that tells all of them apart is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// `eu-west-1`.
    Last,
    /// `p/eu-west-1`: as much of the first part as tells first parts apart.
    Head,
    /// `p/…est-1`.
    Tail,
    /// `prod/e…`.
    Cut,
}

const SHAPES: [Shape; 4] = [Shape::Last, Shape::Head, Shape::Tail, Shape::Cut];

/// Every environment that the model knows of, on this part of the screen or another: names do not change while one scrolls.
pub(super) struct Places<'a> {
    all: BTreeSet<&'a str>,
    /// The shape at each width that was asked for.
    shapes: RefCell<BTreeMap<usize, Option<Shape>>>,
}

impl<'a> Places<'a> {
    pub(super) fn of(model: &'a Model) -> Self {
        let rollouts = model.store.rollouts().map(|rollout| rollout.environment.as_str());
        Self::from(rollouts.chain(model.store.gates().map(|gate| gate.environment.as_str())).collect())
    }

    fn from(all: BTreeSet<&'a str>) -> Self {
        Self { all, shapes: RefCell::default() }
    }

    /// The name in so many cells, whole where it fits.
    pub(super) fn short(&self, name: &str, width: usize) -> String {
        if measure::width(name) <= width {
            return name.to_owned();
        }
        self.form(self.shape(width).unwrap_or(Shape::Head), name, width)
    }

    /// The least width at which all can be told apart.
    pub(super) fn least(&self) -> usize {
        let widest = self.all.iter().map(|name| measure::width(name)).max().unwrap_or_default();
        (NARROWEST..widest).find(|width| self.shape(*width).is_some()).unwrap_or(NARROWEST.max(widest))
    }

    /// The least width at which every last part is whole and all can be told apart; where that is very wide, as [`Self::least`].
    pub(super) fn whole(&self) -> usize {
        let is_whole = |width: &usize| {
            self.shape(*width).is_some() && !self.all.iter().any(|name| self.short(name, *width).contains('…'))
        };
        (NARROWEST..=WIDEST).find(is_whole).unwrap_or_else(|| self.least())
    }

    fn shape(&self, width: usize) -> Option<Shape> {
        let known = self.shapes.borrow().get(&width).copied();
        known.unwrap_or_else(|| {
            let shape = SHAPES.into_iter().find(|shape| self.tells_apart(*shape, width));
            self.shapes.borrow_mut().insert(width, shape);
            shape
        })
    }

    fn tells_apart(&self, shape: Shape, width: usize) -> bool {
        // Beside a whole name its own last part alone would read like a shorter form of it.
        let last = |name: &&'a str| name.rsplit('/').next().map(str::to_owned);
        if shape == Shape::Last && self.all.iter().filter_map(last).collect::<BTreeSet<_>>().len() < self.all.len() {
            return false;
        }
        let fits = |name: &str| measure::width(name) <= width;
        let forms =
            self.all.iter().map(|name| if fits(name) { (*name).to_owned() } else { self.form(shape, name, width) });
        forms.collect::<BTreeSet<String>>().len() == self.all.len()
    }

    fn form(&self, shape: Shape, name: &str, width: usize) -> String {
        let (head, last) = name.rsplit_once('/').unwrap_or(("", name));
        match shape {
            Shape::Last => measure::cut(last, width),
            Shape::Cut => measure::cut(name, width),
            Shape::Head | Shape::Tail if head.is_empty() => measure::cut(last, width),
            Shape::Head => measure::cut(&format!("{}/{last}", self.head(head)), width),
            Shape::Tail => {
                let begin = format!("{}/…", self.head(head));
                let room = width.saturating_sub(measure::width(&begin));
                let skipped = last
                    .char_indices()
                    .map(|(at, _)| at)
                    .find(|at| last.get(*at..).is_some_and(|tail| measure::width(tail) <= room));
                format!("{begin}{}", skipped.and_then(|at| last.get(at..)).unwrap_or_default())
            }
        }
    }

    /// As much of a first part as tells it from every other first part.
    fn head<'b>(&self, head: &'b str) -> &'b str {
        let others =
            || self.all.iter().filter_map(|name| Some(name.rsplit_once('/')?.0)).filter(|other| *other != head);
        let ends = head.char_indices().map(|(at, c)| at + c.len_utf8());
        let prefix =
            ends.filter_map(|end| head.get(..end)).find(|prefix| !others().any(|other| other.starts_with(prefix)));
        prefix.unwrap_or(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(all: &[&str], width: usize) -> Vec<String> {
        let places = Places::from(all.iter().copied().collect());
        all.iter().map(|name| places.short(name, width)).collect()
    }

    #[test]
    fn the_last_part_is_enough_while_it_tells_places_apart() {
        assert_eq!(short(&["prod/eu-west-1", "prod/us-east-1"], 10), ["eu-west-1", "us-east-1"]);
        assert_eq!(short(&["prod/eu-west-1", "prod"], 10), ["eu-west-1", "prod"]);
        assert_eq!(short(&["prod/eu-west-1"], 20), ["prod/eu-west-1"]);
    }

    #[test]
    fn a_column_is_as_wide_as_its_places_need_to_be_whole_unless_that_is_very_wide() {
        let whole = |all: &[&str]| Places::from(all.iter().copied().collect()).whole();
        assert_eq!(whole(&["prod/eu-west-1", "prod/us-east-1"]), 9);
        assert_eq!(whole(&["prod/eu-west-1", "staging/eu-west-1"]), 11);
        assert_eq!(whole(&["prod", "prod/ap-southeast-1"]), 14);
        let long =
            ["a-place-with-a-long-name/and-a-longer-one-in-it", "a-place-with-a-long-name/and-a-longer-one-at-it"];
        assert_eq!(whole(&long), Places::from(long.into_iter().collect()).least());
    }

    #[test]
    fn production_and_staging_of_one_region_never_read_alike() {
        let all = ["prod/eu-west-1", "staging/eu-west-1"];
        assert_eq!(short(&all, 16), ["prod/eu-west-1", "s/eu-west-1"]);
        assert_eq!(short(&all, 11), ["p/eu-west-1", "s/eu-west-1"]);
        assert_eq!(short(&all, 7), ["p/eu-w…", "s/eu-w…"]);
        let zones = ["prod/eu-west-1", "prod/eu-west-2", "stage/eu-west-1", "preprod/eu-west-1"];
        assert_eq!(short(&zones, 11), ["pro/…west-1", "pro/…west-2", "s/…u-west-1", "pre/…west-1"]);
    }

    proptest::proptest! {
        #[test]
        fn at_the_least_width_and_above_no_two_places_read_alike(
            heads in proptest::collection::vec("[a-c]{1,3}", 1..4),
            tails in proptest::collection::vec("[a-c]{1,4}-[0-9]{1,3}", 1..6),
            more in 0_usize..6,
        ) {
            let all: BTreeSet<String> = heads.iter().flat_map(|head| tails.iter().map(move |tail| format!("{head}/{tail}"))).collect();
            let places = Places::from(all.iter().map(String::as_str).collect());
            let width = places.least();
            let shown: BTreeSet<String> = all.iter().map(|name| places.short(name, width)).collect();
            proptest::prop_assert_eq!(shown.len(), all.len());
            for name in &all {
                proptest::prop_assert!(measure::width(&places.short(name, width + more)) <= width + more);
            }
        }
    }
}
