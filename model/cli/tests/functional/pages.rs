//! Pages of documentation as tests read them: their fenced blocks, and which case of a page's scenarios came out how.

/// A fenced block of a page.
#[derive(Clone, Copy)]
pub(crate) struct Block<'a> {
    /// What stands after its opening fence.
    pub(crate) info: &'a str,
    /// The lines between its fences, without the last one's end.
    pub(crate) text: &'a str,
    /// Where that begins in the page, in bytes.
    pub(crate) at: usize,
}

impl<'a> Block<'a> {
    /// Its language: the first word of the info string.
    pub(crate) fn language(&self) -> &'a str {
        self.words().next().unwrap_or_default()
    }

    /// The words of the info string, divided by commas.
    pub(crate) fn words(&self) -> impl Iterator<Item = &'a str> {
        self.info.split(',').map(str::trim)
    }

    /// What a word `KEY=VALUE` of the info string says.
    pub(crate) fn value(&self, key: &str) -> Option<&'a str> {
        self.words().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    }

    /// Its first line, counted from 1.
    pub(crate) fn line(&self, page: &str) -> usize {
        1 + page[..self.at].matches('\n').count()
    }
}

/// The fenced blocks of a page.
pub(crate) fn blocks(page: &str) -> Vec<Block<'_>> {
    let (mut blocks, mut from) = (vec![], 0);
    while let Some(opened) = page[from..].find("\n```") {
        let info = from + opened + "\n```".len();
        let line = page[info..].find('\n').expect("a block begins on a line of its own");
        let at = info + line + 1;
        // An empty one is closed by the line behind its opening fence.
        let end = if page[at..].starts_with("```\n") {
            at
        } else {
            at + page[at..].find("\n```\n").expect("a block is closed")
        };
        blocks.push(Block { info: page[info..info + line].trim(), text: &page[at..end], at });
        from = if end == at { end + "```".len() } else { end + "\n```".len() };
    }
    blocks
}
