//! Rows of many tables as one list, each at the place that it says itself.
//!
//! Which scenario a number stands for, and in which order properties are told, must not hang on the folder that a row
//! stands in.

/// `pub NAME: Row = TABLES`: a row's place is its `number`. Two with one number, and a number without a row, do not
/// compile.
macro_rules! numbered {
    ($(#[$doc:meta])* $vis:vis $name:ident: $row:ty = $tables:ident) => {
        $(#[$doc])*
        $vis const $name: &[&$row] = &{
            const COUNT: usize = {
                let (mut count, mut table) = (0, 0);
                while table < $tables.len() {
                    count += $tables[table].len();
                    table += 1;
                }
                count
            };
            let mut all: [Option<&$row>; COUNT] = [None; COUNT];
            let mut table = 0;
            while table < $tables.len() {
                let mut i = 0;
                while i < $tables[table].len() {
                    let row = &$tables[table][i];
                    let at = row.number as usize;
                    assert!(at < COUNT, "numbers have a gap: the next row's number is how many there are");
                    assert!(all[at].is_none(), "two rows of one number");
                    all[at] = Some(row);
                    i += 1;
                }
                table += 1;
            }
            let mut rows = [&$tables[0][0]; COUNT];
            let mut i = 0;
            while i < COUNT {
                // As many rows as numbers, and no number twice: each has its row.
                rows[i] = all[i].expect("every number has a row");
                i += 1;
            }
            rows
        };
    };
}

pub(crate) use numbered;
