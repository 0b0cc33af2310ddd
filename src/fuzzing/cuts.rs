//! Bytes cut as a network may cut them, and readers that must not notice.

/// The bytes in pieces as a network may deliver them: by lengths that depend on the bytes, so that
/// every input has its own, and, where they are few, one by one. None is empty.
pub(super) fn cuts(data: &[u8]) -> Vec<Vec<&[u8]>> {
    // FNV-1a, then xorshift: any numbers will do, as long as the same bytes give the same ones.
    let hash = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let mut state = data.iter().fold(0xcbf2_9ce4_8422_2325, hash) | 1;
    let (mut rest, mut pieces) = (data, Vec::new());
    while !rest.is_empty() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let most = [3, 17, 90, 700][(state >> 60) as usize % 4];
        let (piece, behind) = rest.split_at(rest.len().min(1 + (state >> 20) as usize % most));
        pieces.push(piece);
        rest = behind;
    }
    let mut cuts = vec![pieces];
    if data.len() <= 1024 {
        cuts.push(data.chunks(1).collect());
    }
    cuts
}

/// Asserts that `read` gives the same for the whole and for every way to cut it; gives that.
pub(super) fn whole_or_cut<T: PartialEq + std::fmt::Debug>(
    data: &[u8],
    read: impl Fn(&[&[u8]]) -> T,
) -> T {
    let whole = read(&[data]);
    for pieces in cuts(data) {
        let found = read(&pieces);
        assert!(found == whole, "in pieces: {found:?}\nas a whole: {whole:?}");
    }
    whole
}
