//! The store on a real folder: many writers, broken lines, private files.

use super::*;
use crate::conversation::turn;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store { folder: folder.path().join("share/llm") };
    (folder, store)
}

#[test]
fn the_folder_is_that_of_the_environment() {
    let env = |value: &str| {
        Env::Table([("XDG_DATA_HOME".to_owned(), value.to_owned())].into_iter().collect())
    };
    let store = Store::find(&env("/data")).expect("a folder");
    assert_eq!(store.folder, Path::new("/data/llm"));
    let store = Store::find(&env("relative"));
    assert!(store.is_none_or(|store| store.folder.is_absolute()));
}

#[test]
fn many_writers_at_once_lose_nothing() {
    let (_folder, store) = store();
    let key = ConversationKey::named("一起").expect("a name");
    let long = "很长的回答".repeat(5000);
    std::thread::scope(|scope| {
        for writer in 0..20 {
            let (store, key, long) = (&store, &key, &long);
            scope.spawn(move || {
                for number in 0..5 {
                    let turn = turn(&format!("{writer}-{number}"), "问", long);
                    store.add(key, &turn, Some("t")).expect("is written");
                }
            });
        }
    });
    let conversation = store.read(&key).expect("is read");
    assert_eq!((conversation.turns.len(), conversation.broken.len()), (100, 0));
    assert!(conversation.turns.iter().all(|turn| turn.answer.text == long));
}

#[cfg(unix)]
#[test]
fn folder_and_files_are_the_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_folder, store) = store();
    let key = ConversationKey::new();
    store.add(&key, &turn("1", "你", "好"), None).expect("is written");
    let mode = |path: &Path| std::fs::metadata(path).expect("is there").permissions().mode();
    for (path, expected) in [
        (store.folder.clone(), 0o700),
        (store.conversations(), 0o700),
        (store.path(&key), 0o600),
        (store.file("recent.jsonl"), 0o600),
    ] {
        assert_eq!(mode(&path) & 0o777, expected, "{}", path.display());
    }
}

#[test]
fn a_broken_line_costs_no_other() {
    let (_folder, store) = store();
    let key = ConversationKey::new();
    store.add(&key, &turn("1", "一", "甲"), None).expect("is written");
    let mut file = std::fs::OpenOptions::new().append(true).open(store.path(&key)).expect("opens");
    file.write_all(b"{\"turn\":\"2\",\"user\":\"\xff").expect("is written");
    store.add(&key, &turn("3", "三", "丙"), None).expect("is written");
    let conversation = store.read(&key).expect("is read");
    let turns: Vec<&str> = conversation.turns.iter().map(|turn| turn.turn.as_str()).collect();
    assert_eq!((turns, conversation.broken), (vec!["1", "3"], vec![2]));
}

#[test]
fn a_turn_can_be_taken_back() {
    let (_folder, store) = store();
    let key = ConversationKey::new();
    for id in ["1", "2"] {
        store.add(&key, &turn(id, "问", "答"), None).expect("is written");
    }
    store.undo(&key, "1").expect("is written");
    let turns = store.read(&key).expect("is read").turns;
    assert_eq!(turns.iter().map(|turn| turn.turn.as_str()).collect::<Vec<_>>(), ["2"]);
}

#[test]
fn the_last_one_is_that_of_the_terminal() {
    let (_folder, store) = store();
    assert_eq!(store.last(None), None);
    let keys = [
        ConversationKey::new(),
        ConversationKey::new(),
        ConversationKey::named("甲").expect("a name"),
    ];
    for (key, terminal) in keys.iter().zip([Some("a"), Some("b"), None]) {
        store.add(key, &turn("1", "问", "答"), terminal).expect("is written");
    }
    assert_eq!(store.last(Some("a")).as_ref(), Some(&keys[0]));
    assert_eq!(store.last(Some("b")).as_ref(), Some(&keys[1]));
    assert_eq!(store.last(Some("c")).as_ref(), Some(&keys[2]));
    assert_eq!(store.last(None).as_ref(), Some(&keys[2]));
    store.remove(&keys[2..3]).expect("is removed");
    assert_eq!(store.last(None).as_ref(), Some(&keys[1]));
    // Without the list the files themselves tell.
    std::fs::remove_file(store.file("recent.jsonl")).expect("is removed");
    assert!(store.last(None).is_some());
}

#[test]
fn the_list_of_recent_ones_does_not_grow_for_ever() {
    let (_folder, store) = store();
    let key = ConversationKey::new();
    store.make().expect("is made");
    std::fs::write(store.file("recent.jsonl"), vec![b'\n'; 1024 * 1024 + 1]).expect("is written");
    store.add(&key, &turn("1", "问", "答"), None).expect("is written");
    assert!(std::fs::metadata(store.file("recent.jsonl")).expect("is there").len() < 1000);
    assert!(store.file("recent.old.jsonl").exists());
    assert_eq!(store.last(None), Some(key));
}

#[test]
fn a_conversation_is_found_by_name_id_or_beginning() {
    let (_folder, store) = store();
    let named = ConversationKey::named("诗/一").expect("a name");
    let keys = ["abc1", "abd2"].map(|id| ConversationKey::of_stem(id).expect("a key"));
    for key in keys.iter().chain([&named]) {
        store.add(key, &turn("1", "问", "答"), None).expect("is written");
    }
    let find = |text: &str| store.find_key(text).map_err(|failure| failure.message);
    assert_eq!(find("诗/一"), Ok(named));
    assert_eq!(find("abc"), Ok(keys[0].clone()));
    assert_eq!(find("ab"), Err("2 conversations begin with `ab`".to_owned()));
    for none in ["x", "", "../history/abc1"] {
        assert_eq!(find(none), Err(format!("there is no conversation `{none}`")));
    }
}

#[test]
fn what_was_typed_goes_with_its_conversation() {
    let (_folder, store) = store();
    let keys = ["甲", "乙"].map(|name| ConversationKey::named(name).expect("a name"));
    store.append(&store.file("inputs.jsonl"), &"alt").expect("is written");
    for key in &keys {
        store.add(key, &turn("1", "问", "答"), Some("t")).expect("is written");
        store.add_input(&format!("在{}", key.as_str()), key).expect("is written");
    }
    let typed = |key: &ConversationKey| format!("在{}", key.as_str());
    assert_eq!(store.inputs(9), ["alt".to_owned(), typed(&keys[0]), typed(&keys[1])]);
    store.remove(&keys[..1]).expect("is removed");
    assert_eq!(store.inputs(9), ["alt".to_owned(), typed(&keys[1])]);
    assert_eq!(store.last(Some("t")), Some(keys[1].clone()));
    store.remove_all().expect("is removed");
    assert!(store.inputs(9).is_empty() && store.keys().expect("is read").is_empty());
}
