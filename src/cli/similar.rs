//! The arguments of `llm similar`.

use std::path::PathBuf;

use clap::{ArgMatches, Args, Command, FromArgMatches, ValueEnum};

const ROWS: &str = "What is searched";
const OUTPUT: &str = "The output";

/// How the nearest lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum SimilarFormat {
    /// Score, number and text, with tabs between
    #[default]
    Tsv,
    /// One JSON object per line, with score, number and text
    #[value(alias = "ndjson")]
    Jsonl,
    /// The text alone
    Text,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  llm similar -f notes.txt \"怎么重置密码\"                     embeds the lines on the spot
  llm embed --lines -f notes.txt -o notes.jsonl               embeds them once,
  llm similar --in notes.jsonl \"怎么重置密码\"                 and finds the nearest ones
  llm similar --in notes.npy --texts notes.txt -n 3 \"cats\"
  llm similar -p cohere --rerank -f docs.txt \"how to reset\"   a model that reads query and text
  llm similar --in notes.jsonl --rerank \"how to reset\"        the nearest lines, judged by it

The score is the cosine: 1 is the same direction. Lines count from 1, over all files. The query is
turned into a vector by the model that made the file's vectors, where the file says which that is,
else by the profile's model for `embed`.")]
pub(crate) struct SimilarArgs {
    /// What is looked for; without it, stdin is the query
    #[arg(value_name = "QUERY")]
    pub(crate) query: Vec<String>,

    /// A file of vectors that `llm embed` wrote: jsonl, npy, csv or array; repeatable
    #[arg(long = "in", value_name = "VECTORS", help_heading = ROWS)]
    pub(crate) vectors: Vec<PathBuf>,

    /// The texts of the file of vectors named before, line N for row N; repeatable
    #[arg(long, value_name = "FILE", requires = "vectors", help_heading = ROWS)]
    pub(crate) texts: Vec<PathBuf>,

    /// Without --in: a file of lines to embed or to rerank, `-` is stdin; repeatable
    #[arg(short = 'f', long, value_name = "FILE", conflicts_with = "vectors", help_heading = ROWS)]
    pub(crate) file: Vec<PathBuf>,

    /// Have the best lines judged by the profile's reranker, and order them by its scores
    #[arg(long, help_heading = ROWS)]
    pub(crate) rerank: bool,

    /// How many lines are shown
    #[arg(short = 'n', long = "count", value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..), help_heading = OUTPUT)]
    pub(crate) count: u32,

    /// Leave out lines with a lower score
    #[arg(long, value_name = "SCORE", value_parser = score, allow_negative_numbers = true, help_heading = OUTPUT)]
    pub(crate) min: Option<f64>,

    /// How the lines are written [default: by the ending of -o FILE, else tsv]
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = OUTPUT)]
    pub(crate) format: Option<SimilarFormat>,

    /// Write to a file, which appears only when it is whole; `-` is stdout
    #[arg(short = 'o', long, value_name = "FILE", help_heading = OUTPUT)]
    pub(crate) output: Option<PathBuf>,
}

fn score(text: &str) -> Result<f64, String> {
    let score = text.parse().ok().filter(|score: &f64| score.is_finite());
    score.ok_or_else(|| "that is not a number".to_owned())
}

/// The arguments, with what their order says: which texts belong to which vectors.
#[derive(Debug)]
pub(crate) struct SimilarLine {
    pub(crate) args: SimilarArgs,
    /// For each `--texts`, how many `--in` stand before it.
    pub(crate) texts_after: Vec<usize>,
}

impl FromArgMatches for SimilarLine {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Self::from_arg_matches_mut(&mut matches.clone())
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, clap::Error> {
        let places = |id: &str| matches.indices_of(id).into_iter().flatten().collect::<Vec<_>>();
        let (vectors, texts) = (places("vectors"), places("texts"));
        let before = |at: &usize| vectors.iter().filter(|vector| *vector < at).count();
        let texts_after = texts.iter().map(before).collect();
        Ok(Self { args: SimilarArgs::from_arg_matches_mut(matches)?, texts_after })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for SimilarLine {
    fn augment_args(command: Command) -> Command {
        SimilarArgs::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        SimilarArgs::augment_args_for_update(command)
    }
}
