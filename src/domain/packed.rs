//! Counts of many intervals in few bytes: what is looked at seldom and must not be lost.
//!
//! Rows are written one behind the other and read from any mark that a reader has kept. Nothing is rounded: what comes out is what
//! went in, to the last bit. A row is what differs from the row before (an interval follows the one before it, and is as long), then
//! each number by what it differs from the one before it; small differences take one byte (LEB128, as Protocol Buffers have it).

use chrono::{DateTime, TimeDelta};

use crate::domain::time::Timestamp;

/// Whole numbers of one interval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Begin and end of the interval.
    pub span: (Timestamp, Timestamp),
    /// The numbers, as many as there are.
    pub numbers: Vec<u64>,
}

/// A mark behind a row, from where the next ones are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    byte: usize,
    /// End of the row before, nanoseconds since 1970; how far it was behind its own, and how long it was.
    end: i64,
    step: i64,
    length: i64,
}

/// Rows in the order in which they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    bytes: Vec<u8>,
    end: Mark,
}

impl Packed {
    /// Writes a row behind all others.
    pub fn push(&mut self, span: (Timestamp, Timestamp), numbers: impl ExactSizeIterator<Item = u64>) {
        let (from, to) = (nanos(span.0), nanos(span.1));
        let (step, length) = (to.wrapping_sub(self.end.end), to.wrapping_sub(from));
        self.write(zigzag(step.wrapping_sub(self.end.step)));
        self.write(zigzag(length.wrapping_sub(self.end.length)));
        self.write(u64::try_from(numbers.len()).unwrap_or(u64::MAX));
        let mut before = 0_u64;
        for number in numbers {
            self.write(zigzag(number.wrapping_sub(before).cast_signed()));
            before = number;
        }
        self.end = Mark { byte: self.bytes.len(), end: to, step, length };
    }

    /// Gives back what was set aside for rows that did not come.
    pub fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// Is there no row?
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many bytes it takes.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes: what [`Rows::of`] reads.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Every row.
    pub fn rows(&self) -> Rows<'_> {
        self.since(Mark::default())
    }

    /// The rows behind a mark in it.
    pub fn since(&self, mark: Mark) -> Rows<'_> {
        Rows { bytes: &self.bytes, mark }
    }

    /// The mark behind its last row.
    pub fn end(&self) -> Mark {
        self.end
    }

    fn write(&mut self, mut number: u64) {
        loop {
            let low = (number & 0x7f).to_le_bytes()[0];
            number >>= 7;
            if number == 0 {
                self.bytes.push(low);
                return;
            }
            self.bytes.push(low | 0x80);
        }
    }
}

/// Reads rows.
#[derive(Clone, Debug)]
pub struct Rows<'a> {
    bytes: &'a [u8],
    mark: Mark,
}

impl<'a> Rows<'a> {
    /// The rows that were written as these bytes; where they are not whole, those before that.
    pub fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, mark: Mark::default() }
    }

    fn read(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0_u64, 0_u32);
        loop {
            let byte = *self.bytes.get(self.mark.byte)?;
            self.mark.byte += 1;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
            shift += 7;
        }
    }
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let step = self.mark.step.wrapping_add(signed(self.read()?));
        let length = self.mark.length.wrapping_add(signed(self.read()?));
        let to = self.mark.end.wrapping_add(step);
        let count = usize::try_from(self.read()?).ok()?;
        let mut numbers = Vec::with_capacity(count.min(self.bytes.len()));
        let mut before = 0_u64;
        for _ in 0..count {
            before = before.wrapping_add_signed(signed(self.read()?));
            numbers.push(before);
        }
        (self.mark.end, self.mark.step, self.mark.length) = (to, step, length);
        Some(Row { span: (moment(to.wrapping_sub(length)), moment(to)), numbers })
    }
}

/// Small numbers of either sign become small ones without.
fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

fn signed(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// Nanoseconds since 1970; what lies outside of the years 1677 to 2262 is not counted by any clock of ours.
fn nanos(at: Timestamp) -> i64 {
    at.timestamp_nanos_opt().unwrap_or_else(|| if at > DateTime::UNIX_EPOCH { i64::MAX } else { i64::MIN })
}

fn moment(nanos: i64) -> Timestamp {
    DateTime::UNIX_EPOCH + TimeDelta::nanoseconds(nanos)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(from: i64, to: i64, numbers: &[u64]) -> Row {
        Row { span: (moment(from), moment(to)), numbers: numbers.to_vec() }
    }

    fn packed(rows: &[Row]) -> Packed {
        let mut packed = Packed::default();
        for row in rows {
            packed.push(row.span, row.numbers.iter().copied());
        }
        packed
    }

    fn any_rows() -> impl Strategy<Value = Vec<Row>> {
        let number = prop_oneof![3 => 0_u64..5_000, 1 => any::<u64>()];
        let time = prop_oneof![3 => 0_i64..1_000_000_000_000, 1 => any::<i64>()];
        let parts = (time.clone(), time, proptest::collection::vec(number, 0..6));
        let rows = parts.prop_map(|(from, to, numbers)| row(from, to, &numbers));
        proptest::collection::vec(rows, 0..12)
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_to_the_last_bit_from_any_mark(rows in any_rows()) {
            let whole = packed(&rows);
            prop_assert_eq!(whole.rows().collect::<Vec<_>>(), rows.clone());
            for count in 0..rows.len() {
                let mark = packed(&rows[..count]).end();
                prop_assert_eq!(whole.since(mark).collect::<Vec<_>>(), rows[count..].to_vec());
            }
            prop_assert_eq!(whole.since(whole.end()).count(), 0);
        }
    }

    #[test]
    fn an_interval_that_follows_the_one_before_it_takes_a_byte_or_two_for_each_number() {
        const SECOND: i64 = 1_000_000_000;
        let rows: Vec<Row> = (0..1000).map(|i| row(i * 30 * SECOND, (i + 1) * 30 * SECOND, &[1200, 3])).collect();
        assert!(packed(&rows).bytes() <= 8 * rows.len(), "{} bytes", packed(&rows).bytes());
    }
}
