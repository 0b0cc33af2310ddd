//! The languages of code blocks, as data: names, comments, strings and keywords.

use super::token::TokenKind;

/// What is known of a language.
#[derive(Debug)]
pub(super) struct Language {
    /// As they stand behind a fence, in lower case.
    names: &'static [&'static str],
    /// What makes a comment of the rest of its line.
    pub(super) comments: &'static [&'static str],
    /// A comment begins only behind a space: `$#` is none.
    pub(super) comments_need_space: bool,
    /// Strings and block comments; of two that begin alike the longer one comes first.
    pub(super) spans: &'static [TokenSpan],
    /// One `'` begins a character or a lifetime, and no string.
    pub(super) has_characters: bool,
    /// What makes something of a whole line.
    pub(super) lines: &'static [(&'static str, TokenKind)],
    /// What belongs to a word besides letters, digits and `_`.
    letters: &'static str,
    /// Divided by spaces.
    keywords: &'static str,
    /// The keywords stand here in lower case, and may be written otherwise.
    ignores_case: bool,
}

/// A part of the code between two marks.
#[derive(Debug)]
pub(super) struct TokenSpan {
    pub(super) open: &'static str,
    pub(super) close: &'static str,
    pub(super) kind: TokenKind,
    /// A backslash takes the meaning from the character behind it.
    pub(super) has_escapes: bool,
    /// It may go on in the next line.
    pub(super) is_long: bool,
}

impl Language {
    pub(super) fn is_in_word(&self, character: char) -> bool {
        character.is_ascii_alphanumeric() || character == '_' || self.letters.contains(character)
    }

    pub(super) fn has_keyword(&self, word: &str) -> bool {
        self.keywords.split(' ').any(|keyword| match self.ignores_case {
            true => keyword.eq_ignore_ascii_case(word),
            false => keyword == word,
        })
    }
}

/// The language of this name, in any letter case.
pub(super) fn named(name: &str) -> Option<&'static Language> {
    let is_it = |known: &&str| known.eq_ignore_ascii_case(name);
    LANGUAGES.iter().find(|language| language.names.iter().any(is_it))
}

/// A string of one line.
const fn string(mark: &'static str) -> TokenSpan {
    TokenSpan {
        open: mark,
        close: mark,
        kind: TokenKind::String,
        has_escapes: true,
        is_long: false,
    }
}

/// A string of several lines.
const fn long(mark: &'static str) -> TokenSpan {
    TokenSpan { is_long: true, ..string(mark) }
}

/// A string of several lines in which a backslash is one.
const fn raw(open: &'static str, close: &'static str) -> TokenSpan {
    TokenSpan { open, close, kind: TokenKind::String, has_escapes: false, is_long: true }
}

const fn comment(open: &'static str, close: &'static str) -> TokenSpan {
    TokenSpan { kind: TokenKind::Comment, ..raw(open, close) }
}

const BLOCK: TokenSpan = comment("/*", "*/");

/// Nothing is known.
const NO_LANGUAGE: Language = Language {
    names: &[],
    comments: &[],
    comments_need_space: false,
    spans: &[string("\""), string("'")],
    has_characters: false,
    lines: &[],
    letters: "",
    keywords: "",
    ignores_case: false,
};

/// Languages that look like C.
const C_LIKE: Language =
    Language { comments: &["//"], spans: &[BLOCK, string("\""), string("'")], ..NO_LANGUAGE };

/// Languages whose comments begin with `#`.
const HASH_COMMENTS: Language =
    Language { comments: &["#"], comments_need_space: true, ..NO_LANGUAGE };

static LANGUAGES: &[Language] = &[
    Language {
        names: &["python", "py", "python3", "py3", "pycon", "ipython"],
        comments_need_space: false,
        spans: &[long("\"\"\""), long("'''"), string("\""), string("'")],
        keywords: "False None True and as assert async await break case class continue def del elif else \
            except finally for from global if import in is lambda match nonlocal not or pass raise return self try \
            while with yield",
        ..HASH_COMMENTS
    },
    Language {
        names: &["bash", "sh", "shell", "zsh", "ksh", "fish"],
        spans: &[long("\""), raw("'", "'")],
        letters: "-",
        keywords: "if then elif else fi for in do done while until case esac function select return break \
            continue exit export local readonly declare unset set shift source alias eval exec trap test echo \
            printf read cd end",
        ..HASH_COMMENTS
    },
    Language {
        names: &["rust", "rs"],
        spans: &[BLOCK, raw("r#\"", "\"#"), raw("r\"", "\""), long("\"")],
        has_characters: true,
        keywords: "as async await break const continue crate dyn else enum extern false fn for if impl in let \
            loop match mod move mut pub ref return self Self static struct super trait true type union unsafe use \
            where while",
        ..C_LIKE
    },
    Language {
        names: &["javascript", "js", "jsx", "mjs", "typescript", "ts", "tsx", "vue", "svelte"],
        spans: &[BLOCK, long("`"), string("\""), string("'")],
        letters: "$",
        keywords: "abstract any as async await boolean break case catch class const continue debugger declare \
            default delete do else enum export extends false finally for from function get if implements import in \
            instanceof interface keyof let namespace never new null number of private protected public readonly \
            return set static string super switch this throw true try type typeof undefined unknown var void while \
            with yield",
        ..C_LIKE
    },
    Language {
        names: &["json", "json5", "jsonc", "jsonl", "ndjson", "jsonnet"],
        keywords: "true false null",
        ..C_LIKE
    },
    Language {
        names: &[
            "c",
            "h",
            "cpp",
            "c++",
            "cc",
            "hpp",
            "cxx",
            "objc",
            "objective-c",
            "cuda",
            "glsl",
            "arduino",
        ],
        letters: "#",
        keywords: "alignas auto bool break case catch char class concept const constexpr continue default delete \
            do double else enum explicit extern false float for friend goto if inline int long mutable namespace \
            new noexcept nullptr NULL operator override private protected public register requires return short \
            signed sizeof static struct switch template this throw true try typedef typename union unsigned using \
            virtual void volatile while #define #elif #else #endif #if #ifdef #ifndef #include #pragma #undef",
        ..C_LIKE
    },
    Language {
        names: &["java", "kotlin", "kt", "kts", "scala", "groovy", "gradle"],
        spans: &[BLOCK, long("\"\"\""), string("\""), string("'")],
        letters: "@",
        keywords: "abstract as boolean break by byte case catch char class companion const continue data def \
            default do double else enum extends false final finally float for fun given if implements import in \
            instanceof int interface internal is lazy long match native new null object open override package \
            private protected public record return sealed short static super suspend switch synchronized this \
            throw throws trait true try type val var void volatile when while with yield @Override",
        ..C_LIKE
    },
    Language {
        names: &["go", "golang"],
        spans: &[BLOCK, raw("`", "`"), string("\""), string("'")],
        keywords: "any bool break byte case chan const continue default defer else error fallthrough false float64 \
            for func go goto if import int int64 interface iota map nil package range return rune select string \
            struct switch true type var",
        ..C_LIKE
    },
    Language {
        names: &["csharp", "cs", "c#", "dotnet", "fsharp"],
        spans: &[BLOCK, long("\"\"\""), raw("@\"", "\""), string("\""), string("'")],
        keywords: "abstract as async await base bool break byte case catch char class const continue decimal \
            default delegate do double else enum event extern false finally fixed float for foreach get if in int \
            interface internal is lock long namespace new null object operator out override params private \
            protected public readonly record ref return sealed set short sizeof static string struct switch this \
            throw true try typeof uint using var virtual void volatile when where while yield",
        ..C_LIKE
    },
    Language {
        names: &["swift", "dart", "zig", "odin", "v"],
        spans: &[BLOCK, long("\"\"\""), string("\""), string("'")],
        letters: "@",
        keywords: "actor as async await break case catch class comptime const continue defer deinit default do \
            dynamic else enum errdefer export extension extends extern fallthrough false final fn for func get \
            guard if implements import in init inout is late let mixin mutating new nil null override pub private \
            protocol public required rethrow return self Self set static struct super switch this throw throws true \
            try typealias undefined union unreachable usingnamespace var void where while with yield",
        ..C_LIKE
    },
    Language {
        names: &["php"],
        comments: &["//", "# "],
        letters: "$",
        keywords: "abstract and array as break case catch class clone const continue declare default do echo else \
            elseif empty enum extends false final finally fn for foreach function global if implements include \
            instanceof interface isset list match namespace new null or print private protected public readonly \
            require require_once return self static switch this throw trait true try unset use var while yield",
        ..C_LIKE
    },
    Language {
        names: &["ruby", "rb", "crystal", "elixir", "ex", "exs"],
        letters: "?!",
        keywords: "alias and begin break case class cond def defmodule defp do else elsif end ensure false fn for \
            if import in module new next nil not or private raise receive require rescue retry return self super \
            then true unless until use when while with yield",
        ..HASH_COMMENTS
    },
    Language {
        names: &["sql", "mysql", "postgresql", "postgres", "psql", "sqlite", "plsql", "tsql"],
        comments: &["--"],
        spans: &[BLOCK, long("'"), string("\""), string("`")],
        keywords: "add all alter and any as asc between bigint boolean by cascade case char check column commit \
            constraint create cross current_timestamp database date decimal default delete desc distinct drop else \
            end except exists explain false first foreign from full function grant group having if in index inner \
            insert int integer intersect interval into is join key last left like limit not null offset on or order \
            outer over partition primary references returning right rollback row rows select set table text then \
            timestamp transaction trigger true truncate union unique update using values varchar view when where \
            window with",
        ignores_case: true,
        ..NO_LANGUAGE
    },
    Language {
        names: &["yaml", "yml"],
        keywords: "true false null yes no on off",
        ..HASH_COMMENTS
    },
    Language {
        names: &["toml", "ini", "conf", "cfg", "properties", "dotenv", "env", "editorconfig"],
        comments: &["#", ";"],
        spans: &[long("\"\"\""), long("'''"), string("\""), string("'")],
        keywords: "true false",
        ..HASH_COMMENTS
    },
    Language {
        names: &["html", "xml", "svg", "xhtml", "htm"],
        spans: &[comment("<!--", "-->"), raw("\"", "\"")],
        ..NO_LANGUAGE
    },
    Language {
        names: &["css", "scss", "less", "sass"],
        spans: &[BLOCK, string("\""), string("'")],
        letters: "-@",
        keywords: "@media @import @keyframes @font-face @supports @layer @mixin @include @use @extend",
        ..NO_LANGUAGE
    },
    Language {
        names: &["dockerfile", "docker", "containerfile"],
        keywords: "from as run cmd label expose env add copy entrypoint volume user workdir arg onbuild \
            stopsignal healthcheck shell",
        ignores_case: true,
        ..HASH_COMMENTS
    },
    Language {
        names: &["makefile", "make", "mk", "cmake", "nginx", "hcl", "terraform", "tf"],
        letters: "-.",
        keywords: ".PHONY include ifeq ifneq ifdef ifndef else endif define endef export if elseif foreach \
            function server location upstream resource variable output provider module data locals true false",
        ..HASH_COMMENTS
    },
    Language {
        names: &["powershell", "pwsh", "ps1"],
        comments: &["#"],
        spans: &[comment("<#", "#>"), raw("\"", "\""), raw("'", "'")],
        letters: "-$",
        keywords: "begin break catch class continue do else elseif end exit filter finally for foreach from \
            function if in param process return switch throw trap try until using while $true $false $null",
        ignores_case: true,
        ..NO_LANGUAGE
    },
    Language {
        names: &["lua"],
        spans: &[
            comment("--[[", "]]"),
            TokenSpan { is_long: false, ..comment("--", "\n") },
            raw("[[", "]]"),
            string("\""),
            string("'"),
        ],
        keywords: "and break do else elseif end false for function goto if in local nil not or repeat return then \
            true until while",
        ..NO_LANGUAGE
    },
    Language {
        names: &["haskell", "hs", "elm", "purescript"],
        comments: &["--"],
        spans: &[comment("{-", "-}"), string("\"")],
        has_characters: true,
        keywords: "as case class data deriving do else family foreign forall hiding if import in infix infixl \
            infixr instance let module newtype of qualified then type where",
        ..NO_LANGUAGE
    },
    Language {
        names: &["r", "julia", "jl", "perl", "pl", "awk", "nim"],
        keywords: "abstract baremodule begin break const continue do else elseif elsif end export FALSE false for \
            foreach function global if import in let library local macro module mutable my next NULL nothing our \
            package print proc quote repeat require return struct sub TRUE true try type unless until use using var \
            where while",
        ..HASH_COMMENTS
    },
    Language {
        names: &["lisp", "clojure", "clj", "scheme", "elisp", "racket", "common-lisp"],
        comments: &[";"],
        spans: &[long("\"")],
        letters: "-?!*+/<>=",
        keywords: "and assoc cond def define defmacro defn defparameter defun defvar do else fn for if lambda let \
            let* letrec loop nil not ns or progn quote recur require set! setf setq unless when",
        ..NO_LANGUAGE
    },
    Language {
        names: &["diff", "patch"],
        spans: &[],
        lines: &[
            ("@@", TokenKind::Number),
            ("+", TokenKind::Added),
            ("-", TokenKind::Removed),
            ("diff ", TokenKind::Keyword),
            ("index ", TokenKind::Comment),
        ],
        ..NO_LANGUAGE
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::code::MAX_WORD;
    use super::*;

    #[test]
    fn the_table_is_sound() {
        let mut names = BTreeSet::new();
        for language in LANGUAGES {
            for name in language.names {
                assert!(names.insert(*name), "{name} stands twice");
                assert_eq!(*name, name.to_lowercase());
            }
            for keyword in language.keywords.split(' ') {
                assert!(keyword.len() <= MAX_WORD, "{keyword}");
                let is_word = |c: char| language.is_in_word(c);
                assert!(keyword.chars().all(is_word), "{keyword} of {:?}", language.names);
            }
            for span in language.spans {
                assert!(!span.open.is_empty() && !span.close.is_empty());
            }
        }
        assert!(named("RUST").is_some() && named("text").is_none() && named("").is_none());
    }
}
