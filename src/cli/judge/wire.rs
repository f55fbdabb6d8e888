//! How cases are written in JSON: objects whose unknown fields are errors, numbers, and points that may be missing. Nothing
//! here knows what is judged.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, Unexpected, Visitor},
};

/// Counts up to here are exact in every JSON reader: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Declares an object of JSON: every field is optional, `null` is as good as absent, fields that begin with `x_` are ignored
/// and every other one is an error that names it, so that a misspelt field is never left out in silence.
macro_rules! object {
    ($(#[$meta:meta])* $name:ident { $($(#[$of_field:meta])* $field:ident : $kind:ty),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub(super) struct $name { $($(#[$of_field])* pub(super) $field: Option<$kind>),+ }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Fields;
                impl<'de> ::serde::de::Visitor<'de> for Fields {
                    type Value = $name;

                    fn expecting(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<M: ::serde::de::MapAccess<'de>>(self, mut map: M) -> Result<$name, M::Error> {
                        const KNOWN: &[&str] = &[$(stringify!($field)),+];
                        let mut found = $name::default();
                        while let Some(key) = map.next_key::<$crate::cli::judge::wire::Key<'de>>()? {
                            match &*key.0 {
                                $(stringify!($field) if found.$field.is_none() => found.$field = map.next_value()?,)+
                                other => $crate::cli::judge::wire::leave_out(other, KNOWN, &mut map)?,
                            }
                        }
                        Ok(found)
                    }
                }
                from.deserialize_map(Fields)
            }
        }
    };
}
pub(super) use object;

/// The name of a field, borrowed from the text where it can be.
pub(super) struct Key<'de>(pub(super) Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a field")
            }

            fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(name)))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(name.to_owned())))
            }
        }
        from.deserialize_str(Text)
    }
}

/// Passes over a field that begins with `x_`; refuses every other one.
pub(super) fn leave_out<'de, M: MapAccess<'de>>(name: &str, known: &[&str], map: &mut M) -> Result<(), M::Error> {
    if name.starts_with("x_") {
        return map.next_value::<serde::de::IgnoredAny>().map(|_| ());
    }
    let why = if known.contains(&name) {
        "stands here twice".to_owned()
    } else {
        format!("no such field; there are {}, and x_… for notes of your own", known.join(", "))
    };
    // Refused in the place of its value, so that the path to it ends in its name.
    map.next_value_seed(Refused(why))
}

struct Refused(String);

impl<'de> DeserializeSeed<'de> for Refused {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, _: D) -> Result<(), D::Error> {
        Err(D::Error::custom(self.0))
    }
}

/// A count: a whole number, 0 or more. `300.0` is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count(pub(super) u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Whole;
        impl Visitor<'_> for Whole {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, 0 or more; leave it out or write null where there is no data")
            }

            fn visit_u64<E: Error>(self, count: u64) -> Result<Count, E> {
                Ok(Count(count))
            }

            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked: whole, 0 to 2^53")]
            fn visit_f64<E: Error>(self, count: f64) -> Result<Count, E> {
                if count.fract() == 0.0 && (0.0..=EXACT).contains(&count) {
                    return Ok(Count(count as u64));
                }
                Err(E::invalid_value(Unexpected::Float(count), &self))
            }

            fn visit_i64<E: Error>(self, count: i64) -> Result<Count, E> {
                u64::try_from(count).map(Count).map_err(|_| E::invalid_value(Unexpected::Signed(count), &self))
            }
        }
        from.deserialize_any(Whole)
    }
}

/// One point of a series: a number, `"Infinity"` and `"-Infinity"` as Kayenta's own JSON has them, or NaN where it is missing,
/// which is written `null` or `"NaN"`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point(pub(super) f64);

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct NumberOrNothing;
        impl Visitor<'_> for NumberOrNothing {
            type Value = Point;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, \"Infinity\" or \"-Infinity\", or null or \"NaN\" where it is missing")
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Point, E> {
                Ok(Point(number))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Point, E> {
                Ok(Point(number as f64))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Point, E> {
                Ok(Point(number as f64))
            }

            fn visit_unit<E: Error>(self) -> Result<Point, E> {
                Ok(Point(f64::NAN))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Point, E> {
                match text {
                    _ if text.eq_ignore_ascii_case("nan") => Ok(Point(f64::NAN)),
                    "Infinity" | "+Infinity" | "+Inf" => Ok(Point(f64::INFINITY)),
                    "-Infinity" | "-Inf" => Ok(Point(f64::NEG_INFINITY)),
                    _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
                }
            }
        }
        from.deserialize_any(NumberOrNothing)
    }
}

/// The points as numbers.
pub(super) fn numbers(points: Option<Vec<Point>>) -> Vec<f64> {
    points.unwrap_or_default().into_iter().map(|point| point.0).collect()
}

/// Why a case cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    /// The path to the field: `intervals[3].canary.errors`; empty for the case as a whole.
    pub(super) field: String,
    /// What is wrong with it, and what would be right.
    pub(super) why: String,
}

impl Malformed {
    /// A field is wrong.
    pub(super) fn at(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self { field: field.into(), why: why.into() }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() { f.write_str(&self.why) } else { write!(f, "{}: {}", self.field, self.why) }
    }
}

/// Reads a value; if that fails, once more and slowly, for the path to what is wrong. `line` is where the text begins.
pub(super) fn read<'de, T: Deserialize<'de>>(text: &'de [u8], line: u64) -> Result<T, Malformed> {
    let text = text.trim_ascii_end();
    let error = match serde_json::from_slice(text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if !error.is_data() {
        let said = without_place(&error);
        let at = line + (error.line() as u64).saturating_sub(1);
        return Err(Malformed::at("", format!("not JSON: {said} at line {at}, column {}", error.column())));
    }
    let mut slowly = serde_json::Deserializer::from_slice(text);
    match serde_path_to_error::deserialize::<_, T>(&mut slowly) {
        Ok(value) => Ok(value),
        Err(wrong) => {
            let path = wrong.path().to_string();
            Err(Malformed::at(if path == "." { String::new() } else { path }, without_place(wrong.inner())))
        }
    }
}

/// The line is always the first, and the path says more than the column.
fn without_place(error: &serde_json::Error) -> String {
    let said = error.to_string();
    said.rsplit_once(" at line ").map_or(said.clone(), |(said, _)| said.to_owned())
}
