//! The arguments of `llm embed`.

use std::path::PathBuf;

use clap::Args;

use crate::api::embed::format::VectorFormat;

const REQUEST: &str = "The request";
const OUTPUT: &str = "The vectors";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  llm embed -p ollama -m bge-m3 \"今天天气很好\" \"股票下跌了\"
  llm embed < article.txt                            the whole text is one input
  llm embed --lines -f lines.txt -o vectors.npy      every line is an input; for NumPy
  grep -v '^#' lines.txt | llm embed --lines --format jsonl > vectors.jsonl
  llm embed --field text --id id -f rows.jsonl -o vectors.jsonl
  llm embed --lines -f lines.txt --update vectors.jsonl
  llm embed -p openai --dimensions 256 --format csv \"hello\"

An input that the service refuses does not end the run: it is reported on stderr, `null` stands in
its place, and the exit code is 4. An empty line is not sent and gives `null` too, so that line N
of the output belongs to line N of the input. npy and csv have no `null`: they need --skip-errors,
which leaves such inputs out. With -o FILE, what came is kept in FILE.part until FILE is whole:
the same command goes on where an interrupted one ended, and asks for nothing twice. Line ends at
the end of a text that is read whole are not part of it.")]
pub(crate) struct EmbedArgs {
    /// The texts to embed, one per argument; without any, stdin is one text
    #[arg(value_name = "TEXT")]
    pub(crate) texts: Vec<String>,

    /// A text file to embed, or a folder of them; `-` is stdin; repeatable
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(crate) file: Vec<PathBuf>,

    /// Every line of stdin, or of the files, is a text of its own
    #[arg(long, conflicts_with = "texts")]
    pub(crate) lines: bool,

    /// The texts are in this column of rows: jsonl, csv or tsv, by the file's ending; `a.b` is a nested one
    #[arg(long, value_name = "NAME", conflicts_with_all = ["texts", "lines"])]
    pub(crate) field: Option<String>,

    /// Keep this column of the rows in the output, as key `id` of jsonl
    #[arg(long, value_name = "NAME", requires = "field", conflicts_with = "json")]
    pub(crate) id: Option<String>,

    /// The length of the vectors, where the model supports it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = REQUEST)]
    pub(crate) dimensions: Option<u32>,

    /// The most texts per request [default: what the service takes, else 2048]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = REQUEST)]
    pub(crate) batch_size: Option<u32>,

    /// The most requests at the same time [default: finds its own level, at most 64, on this machine 32]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = REQUEST)]
    pub(crate) concurrency: Option<u32>,

    /// How the vectors are written [default: by the ending of -o FILE, else array]
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with = "json", help_heading = OUTPUT)]
    pub(crate) format: Option<VectorFormat>,

    /// Leave out texts that have no vector, instead of writing `null`
    #[arg(long, help_heading = OUTPUT)]
    pub(crate) skip_errors: bool,

    /// Write to a file, which appears only when it is whole; `-` is stdout
    #[arg(short = 'o', long, value_name = "FILE", group = "target", help_heading = OUTPUT)]
    pub(crate) output: Option<PathBuf>,

    /// Bring a jsonl file up to date: ask only for texts that it lacks, and leave out those that are gone
    #[arg(long, value_name = "FILE", group = "target", conflicts_with_all = ["output", "json"], help_heading = OUTPUT)]
    pub(crate) update: Option<PathBuf>,

    /// Begin anew: forget what an interrupted run kept in FILE.part
    #[arg(long, requires = "target", conflicts_with = "json", help_heading = OUTPUT)]
    pub(crate) fresh: bool,
}
