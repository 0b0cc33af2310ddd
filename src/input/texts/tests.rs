use super::*;

fn found(words: &[&str], files: &[&Path], lines: bool, stdin: &'static [u8]) -> Vec<String> {
    try_found(words, files, lines, stdin).unwrap_or_else(|words| vec![words])
}

fn try_found(
    words: &[&str],
    files: &[&Path],
    lines: bool,
    stdin: &'static [u8],
) -> Result<Vec<String>, String> {
    let mut io = Io::nowhere();
    io.stdin = Some(Box::new(stdin));
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let files: Vec<PathBuf> = files.iter().map(|path| path.to_path_buf()).collect();
    let wanted = TextSources { words: &words, files: &files, lines, ..TextSources::default() };
    let said = |failure: Failure| failure.message;
    let mut texts = InputTexts::find(&wanted, &mut io).map_err(said)?;
    let mut all = Vec::new();
    while let Some(text) = texts.next().map_err(said)? {
        all.push(format!("{}={}", text.place, text.text));
    }
    Ok(all)
}

#[test]
fn texts_have_a_place_each() {
    assert_eq!(found(&["一", "b c"], &[], false, b"no"), ["input 1=一", "input 2=b c"]);
    assert_eq!(found(&[], &[], false, b"a\nb\r\n\n"), ["standard input=a\nb"]);
    let lines = "\u{feff}一\r\n\n三".as_bytes();
    assert_eq!(found(&[], &[], true, lines), ["line 1=一", "line 2=", "line 3=三"]);
}

#[test]
fn files_are_read_in_their_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    std::fs::write(&one, "a\n\nb").expect("written");
    std::fs::write(&two, "二\n").expect("written");
    let lines = found(&[], &[&one, Path::new("-"), &two], true, b"x\n");
    let (one_name, two_name) = (one.display(), two.display());
    let expected = [
        format!("line 1 of {one_name}=a"),
        format!("line 2 of {one_name}="),
        format!("line 3 of {one_name}=b"),
        "line 1 of standard input=x".to_owned(),
        format!("line 1 of {two_name}=二"),
    ];
    assert_eq!(lines, expected);
    assert_eq!(found(&[], &[&two], true, b"x"), ["line 1=二"]);
    let whole = [format!("{one_name}=a\n\nb"), format!("{two_name}=二")];
    assert_eq!(found(&[], &[&one, &two], false, b"x"), whole);
    let mut io = Io::nowhere();
    let wanted = TextSources { files: &[one.clone(), two], lines: true, ..TextSources::default() };
    let known = InputTexts::find(&wanted, &mut io).expect("is found").known;
    assert_eq!(known.count, Some(4));
    assert_eq!(known.empty.map(|place| place.to_string()), Some(format!("line 2 of {one_name}")));
}

#[test]
fn what_cannot_be_used_is_refused() {
    assert_eq!(found(&["a", ""], &[], false, b""), ["input 2 is empty"]);
    for lines in [false, true] {
        assert!(found(&[], &[Path::new("/no/where")], lines, b"")[0].contains("no such file"));
        assert!(found(&[], &[Path::new("-"); 2], lines, b"")[0].contains("named twice"));
    }
    assert_eq!(found(&[], &[], false, b" \n"), ["there is no text to embed"]);
    let words = "line 2 of standard input is not text: it is not UTF-8 at byte 1";
    assert_eq!(found(&[], &[], true, b"a\nb\xff\n"), [words]);
}

#[test]
fn a_line_without_end_is_not_read_for_ever() {
    let endless = || Box::new(std::io::repeat(b'a'));
    let mut lines = FileLines::new(endless(), "x".into(), None);
    let words = lines.next().expect_err("is too long").message;
    assert_eq!(words, "line 1 of x is longer than 16 MiB");
}
