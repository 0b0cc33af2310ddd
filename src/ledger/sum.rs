//! Sums of notes. The file is read in as many pieces as there are processors, and never held whole.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind, Seek as _, SeekFrom};
use std::marker::PhantomData;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::spent::Spent;

/// What notes are put together by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GroupBy {
    Day,
    Provider,
    Model,
    Command,
}

/// What several runs took together.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sum {
    pub(crate) runs: u64,
    /// Runs that asked a model, and of which nothing was counted.
    pub(crate) uncounted: u64,
    pub(crate) spent: Spent,
}

/// The sums of a file.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Sums {
    pub(crate) total: Sum,
    /// Each group under its name, in the order of the names.
    pub(crate) by: BTreeMap<String, Sum>,
    /// Lines that are no notes.
    pub(crate) skipped: u64,
}

/// A line as it is read; what it has beside this is none of our business.
#[derive(Deserialize)]
struct ReadNote<'a> {
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    command: Cow<'a, str>,
    #[serde(borrow)]
    provider: Cow<'a, str>,
    #[serde(borrow, default)]
    model: Cow<'a, str>,
    input_tokens: Option<u64>,
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    output_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
    seconds: Option<f64>,
    characters: Option<u64>,
    pictures: Option<u64>,
    #[serde(borrow, default)]
    cost: Amounts<'a>,
}

/// Money by its currency, as it stands in a line.
#[derive(Default)]
struct Amounts<'a>(Vec<(Currency<'a>, f64)>);

#[derive(Deserialize)]
struct Currency<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Amounts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AmountsVisitor(PhantomData))
    }
}

/// Reads an object of amounts without a map for each line: there are a million lines, and few currencies.
struct AmountsVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for AmountsVisitor<'a> {
    type Value = Amounts<'a>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("amounts by their currencies")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut object: M) -> Result<Self::Value, M::Error> {
        let mut amounts = Vec::new();
        while let Some(amount) = object.next_entry()? {
            amounts.push(amount);
        }
        Ok(Amounts(amounts))
    }
}

/// No line of ours is longer, in bytes.
const MAX_LINE: u64 = 64 * 1024;

/// A piece for a thread is at least this large, in bytes.
const LEAST_PIECE: u64 = 4 * 1024 * 1024;

const MOST_THREADS: u64 = 8;

/// Which notes are summed. Without any of these it is all of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct ChosenNotes {
    /// Those that are not older.
    pub(crate) since: Option<Timestamp>,
    /// Those of one service.
    pub(crate) provider: Option<String>,
    /// Those of one model.
    pub(crate) model: Option<String>,
}

impl ChosenNotes {
    fn has(&self, note: &ReadNote<'_>, time: Timestamp) -> bool {
        self.since.is_none_or(|since| time >= since)
            && self.provider.as_ref().is_none_or(|name| *name == note.provider)
            && self.model.as_ref().is_none_or(|name| *name == note.model)
    }
}

/// How notes are chosen and put together.
#[derive(Debug, Clone)]
struct Plan {
    chosen: ChosenNotes,
    by: GroupBy,
    zone: TimeZone,
}

impl Sums {
    /// Sums the chosen notes of a file; without a file there are none. Days are those of `zone`.
    ///
    /// # Errors
    /// A file that can't be read.
    pub(crate) fn read(
        path: &Path,
        chosen: ChosenNotes,
        by: GroupBy,
        zone: TimeZone,
    ) -> std::io::Result<Self> {
        let length = match std::fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            facts => facts?.len(),
        };
        let plan = &Plan { chosen, by, zone };
        let threads = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
        let pieces = threads.min(MOST_THREADS).min(length / LEAST_PIECE).max(1);
        let ends = |piece: u64| (length * piece / pieces, length * (piece + 1) / pieces);
        let sums = std::thread::scope(|scope| {
            let work = |piece| move || of_piece(path, ends(piece), plan);
            let running: Vec<_> = (1..pieces).map(|piece| scope.spawn(work(piece))).collect();
            let mut sums = vec![work(0)()];
            let gone = |_| Err(std::io::Error::other("a thread ended early"));
            sums.extend(running.into_iter().map(|thread| thread.join().unwrap_or_else(gone)));
            sums
        });
        let mut all = Self::default();
        for sums in sums {
            all.add(sums?);
        }
        for sum in all.by.values() {
            all.total.add(sum);
        }
        Ok(all)
    }

    /// Adds the groups of another piece.
    fn add(&mut self, more: Self) {
        self.skipped += more.skipped;
        for (key, sum) in more.by {
            self.by.entry(key).or_default().add(&sum);
        }
    }

    fn take(&mut self, line: &[u8], plan: &Plan) {
        if line.trim_ascii().is_empty() {
            return;
        }
        let note: Option<ReadNote<'_>> = serde_json::from_slice(line).ok();
        let Some((note, time)) = note.and_then(|note| {
            let time: Timestamp = note.time.parse().ok()?;
            Some((note, time))
        }) else {
            self.skipped += 1;
            return;
        };
        if !plan.chosen.has(&note, time) {
            return;
        }
        let day;
        let key = match plan.by {
            GroupBy::Day => {
                day = time.to_zoned(plan.zone.clone()).date().to_string();
                &day
            }
            GroupBy::Provider => &*note.provider,
            GroupBy::Model => &*note.model,
            GroupBy::Command => &*note.command,
        };
        let group = match self.by.get_mut(key) {
            Some(group) => group,
            None => self.by.entry(key.to_owned()).or_default(),
        };
        group.count(&note);
    }
}

/// The lines that begin within a piece of the file.
fn of_piece(path: &Path, (start, end): (u64, u64), plan: &Plan) -> std::io::Result<Sums> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let (mut sums, mut line, mut at) = (Sums::default(), Vec::new(), start);
    if start > 0 {
        // The line that the piece begins in is the one before's, unless it ends right there.
        file.seek(SeekFrom::Start(start - 1))?;
        at = start - 1 + file.skip_until(b'\n')? as u64;
    }
    while at < end {
        line.clear();
        let read = std::io::Read::take(&mut file, MAX_LINE).read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            break;
        }
        at += read;
        if read == MAX_LINE && line.last() != Some(&b'\n') {
            at += file.skip_until(b'\n')? as u64;
        }
        sums.take(&line, plan);
    }
    Ok(sums)
}

impl ReadNote<'_> {
    /// What was counted but money.
    fn counts(&self) -> Spent {
        Spent {
            input_tokens: self.input_tokens,
            cached_tokens: self.cached_tokens,
            cache_write_tokens: self.cache_write_tokens,
            output_tokens: self.output_tokens,
            reasoning_tokens: self.reasoning_tokens,
            seconds: self.seconds,
            characters: self.characters,
            pictures: self.pictures,
            cost: BTreeMap::new(),
        }
    }
}

impl Sum {
    fn count(&mut self, note: &ReadNote<'_>) {
        let (counts, Amounts(amounts)) = (note.counts(), &note.cost);
        // Without a model there was nothing to count.
        let is_counted = note.model.is_empty() || counts.is_counted() || !amounts.is_empty();
        self.runs += 1;
        self.uncounted += u64::from(!is_counted);
        self.spent.add(&counts);
        for (Currency(currency), amount) in amounts {
            self.spent.pay(currency, *amount);
        }
    }

    fn add(&mut self, more: &Self) {
        self.runs += more.runs;
        self.uncounted += more.uncounted;
        self.spent.add(&more.spent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn file(lines: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(lines).expect("is written");
        file
    }

    fn sums(file: &tempfile::NamedTempFile, since: Option<&str>, by: GroupBy) -> Sums {
        let since = since.map(|time| time.parse().expect("a time"));
        let chosen = ChosenNotes { since, ..ChosenNotes::default() };
        let zone = TimeZone::posix("CST-8").expect("a zone");
        Sums::read(file.path(), chosen, by, zone).expect("is read")
    }

    const LINES: &[u8] = b"{\"time\":\"2026-11-01T15:59:59Z\",\"command\":\"chat\",\"provider\":\"a\",\"model\":\"m\",\"input_tokens\":10,\"output_tokens\":2,\"cost\":{\"USD\":0.5}}\n\
        {\"time\":\"2026-11-01T16:00:00Z\",\"command\":\"embed\",\"provider\":\"b\",\"model\":\"m\",\"input_tokens\":5}\n\
        \n\
        {\"time\":\"2026-11-03T16:00:00Z\",\"command\":\"models\",\"provider\":\"b\",\"new\":[1]}\n";

    #[test]
    fn notes_are_put_together() {
        let file = file(LINES);
        let by = |by| {
            let found = sums(&file, None, by).by;
            found.into_iter().map(|(key, sum)| (key, sum.runs)).collect::<Vec<_>>()
        };
        let named = |pairs: &[(&str, u64)]| -> Vec<(String, u64)> {
            pairs.iter().map(|(key, runs)| ((*key).to_owned(), *runs)).collect()
        };
        // Eight hours east, the second one is of the next day.
        let days = [("2026-11-01", 1), ("2026-11-02", 1), ("2026-11-04", 1)];
        assert_eq!(by(GroupBy::Day), named(&days));
        assert_eq!(by(GroupBy::Provider), named(&[("a", 1), ("b", 2)]));
        assert_eq!(by(GroupBy::Model), named(&[("", 1), ("m", 2)]));
        assert_eq!(by(GroupBy::Command), named(&[("chat", 1), ("embed", 1), ("models", 1)]));
        let all = sums(&file, None, GroupBy::Day);
        assert_eq!((all.total.runs, all.total.uncounted, all.skipped), (3, 0, 0));
        assert_eq!(all.total.spent.input_tokens, Some(15));
        assert_eq!(all.total.spent.cost["USD"], 0.5);
        assert_eq!(sums(&file, Some("2026-11-01T16:00:00Z"), GroupBy::Day).total.runs, 2);
    }

    #[test]
    fn what_is_no_note_is_counted_and_skipped() {
        let mut lines = LINES.to_vec();
        lines.extend_from_slice(b"{\"time\":\"2026-11-01T1\nnonsense\n[1]\n{\"time\":\"x\",\"command\":\"c\",\"provider\":\"p\"}\n\xff\xfe\n");
        lines.extend(vec![b'x'; 200_000]);
        lines.push(b'\n');
        lines.extend_from_slice(LINES);
        // A last line that was cut.
        lines.extend_from_slice(b"{\"time\":");
        let found = sums(&file(&lines), None, GroupBy::Day);
        assert_eq!((found.total.runs, found.skipped), (6, 7));
    }

    #[test]
    fn pieces_share_the_lines() {
        let file = file(LINES);
        let plan =
            Plan { chosen: ChosenNotes::default(), by: GroupBy::Command, zone: TimeZone::UTC };
        let length = LINES.len() as u64;
        let whole = of_piece(file.path(), (0, length), &plan).expect("is read");
        for middle in 0..=length {
            let mut both = of_piece(file.path(), (0, middle), &plan).expect("is read");
            both.add(of_piece(file.path(), (middle, length), &plan).expect("is read"));
            assert_eq!(both, whole, "{middle}");
        }
    }
}
