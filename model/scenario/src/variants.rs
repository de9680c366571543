//! The words of variants: the kernel's tables are the only place where they stand.

pub(crate) use fenceweave_kernel::variants::of_word;

#[cfg(test)]
mod tests {
    use super::of_word;
    use crate::{
        decls,
        ops::{self, Takes},
    };
    use fenceweave_kernel::{fence::MergeVariant, resv, sync_file, syncobj, variants::words, ww};

    /// The words that the option `variant` of a declaration takes.
    fn taken_by(declaration: &str) -> &'static [&'static str] {
        let spec = decls::all().find(|spec| spec.name == declaration).expect("it is declared");
        let option = spec.options.iter().find(|option| option.name == "variant").expect("it has variants");
        let Some(Takes::OneOf(words)) = option.takes else { panic!("`variant` of {declaration} takes anything") };
        words
    }

    fn assert_same<V: Copy, const N: usize>(declaration: &str, all: &[(&'static str, V); N]) {
        assert_eq!(taken_by(declaration), words(all), "{declaration}");
        assert_eq!(all[0].0, "upstream", "{declaration}");
    }

    #[test]
    fn a_declaration_takes_the_words_of_its_variants_and_no_others() {
        assert_same("ww-class", &ww::Variant::ALL);
        assert_same("resv", &resv::Variant::ALL);
        assert_same("sync-file", &sync_file::Variant::ALL);
        assert_same("syncobj", &syncobj::Variant::ALL);
        // Those are all declarations with variants.
        let with = decls::all().filter(|spec| spec.options.iter().any(|option| option.name == "variant"));
        assert_eq!(with.count(), 4);
        let merges = ops::all().flat_map(|op| op.options).filter(|option| option.name == "variant");
        for option in merges {
            assert!(matches!(option.takes, Some(Takes::OneOf(said)) if said == words(&MergeVariant::ALL)));
        }
    }

    #[test]
    fn a_word_means_its_own_variant() {
        for (word, variant) in syncobj::Variant::ALL {
            assert_eq!(of_word(&syncobj::Variant::ALL, Some(word)), variant);
        }
        for (word, variant) in sync_file::Variant::ALL {
            assert_eq!(of_word(&sync_file::Variant::ALL, Some(word)), variant);
        }
        assert_eq!(of_word(&syncobj::Variant::ALL, None), syncobj::Variant::Upstream);
    }
}
