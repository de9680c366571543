//! The properties and rules of all protocols (`property` and `rule` say what they are).

use crate::{
    Property, Rule, dma, exec, fence, gpu, ground,
    ground::numbered::numbered,
    memory, primitives, property,
    property::{Form, FormRow, Law},
    pte, resv,
    rule::RuleRow,
    ww,
};

const PROPERTY_TABLES: &[&[Law]] = &[
    property::general::PROPERTIES,
    ground::cx::rules::PROPERTIES,
    ww::rules::PROPERTIES,
    fence::rules::PROPERTIES,
    resv::rules::PROPERTIES,
    primitives::waitqueue::rules::PROPERTIES,
    primitives::refcount::rules::PROPERTIES,
    primitives::rcu::rules::PROPERTIES,
    primitives::workqueue::rules::PROPERTIES,
    primitives::irq_line::rules::PROPERTIES,
    primitives::uaccess::rules::PROPERTIES,
    primitives::device::rules::PROPERTIES,
    pte::rules::PROPERTIES,
    primitives::list::rules::PROPERTIES,
    primitives::tree::rules::PROPERTIES,
    primitives::slab::rules::PROPERTIES,
    primitives::lockdep::rules::PROPERTIES,
    primitives::variable::rules::PROPERTIES,
    memory::rules::PROPERTIES,
    gpu::rules::PROPERTIES,
    dma::rules::PROPERTIES,
];

const RULE_TABLES: &[&[RuleRow]] = &[
    property::general::RULES,
    ground::cx::rules::RULES,
    ww::rules::RULES,
    fence::rules::RULES,
    exec::rules::RULES,
    primitives::rcu::rules::RULES,
    primitives::list::rules::RULES,
    primitives::xarray::rules::RULES,
    primitives::syscall::rules::RULES,
    primitives::timer::rules::RULES,
    primitives::lockdep::rules::RULES,
    primitives::module::rules::RULES,
    primitives::lockmap::rules::RULES,
    primitives::device::rules::RULES,
];

numbered! {
    PROPERTIES: Law = PROPERTY_TABLES
}

numbered! {
    RULES: RuleRow = RULE_TABLES
}

const FORM_TABLES: &[&[FormRow]] = &[
    fence::rules::FORMS,
    primitives::rwsem::rules::FORMS,
    primitives::irq_line::rules::FORMS,
    primitives::irq_work::rules::FORMS,
    primitives::list::rules::FORMS,
    primitives::module::rules::FORMS,
    primitives::lockmap::rules::FORMS,
    primitives::shrinker::rules::FORMS,
    primitives::tree::rules::FORMS,
    primitives::slab::rules::FORMS,
    primitives::srcu::rules::FORMS,
    primitives::timer::rules::FORMS,
    memory::rules::FORMS,
    pte::rules::FORMS,
    gpu::rules::FORMS,
    dma::rules::FORMS,
    primitives::lockdep::rules::FORMS,
];

numbered! {
    FORMS: FormRow = FORM_TABLES
}

impl Form {
    /// Every form.
    pub const ALL: &'static [Form] = &{
        let mut all = [Form::numbered(0); FORMS.len()];
        let mut i = 0;
        while i < all.len() {
            all[i] = Form::numbered(FORMS[i].number);
            i += 1;
        }
        all
    };

    /// What it says.
    pub(crate) fn words(self) -> &'static str {
        FORMS[usize::from(self.number())].words
    }
}

impl Property {
    /// Every property, in the order in which they are listed.
    pub const ALL: &'static [Property] = &{
        let mut all = [Property::numbered(0); PROPERTIES.len()];
        let mut i = 0;
        while i < all.len() {
            all[i] = Property::numbered(PROPERTIES[i].number);
            i += 1;
        }
        all
    };

    /// What is said about it.
    pub(crate) fn law(self) -> &'static Law {
        PROPERTIES[usize::from(self.number())]
    }
}

impl Rule {
    /// Every rule.
    pub const ALL: &'static [Rule] = &{
        let mut all = [Rule::numbered(0); RULES.len()];
        let mut i = 0;
        while i < all.len() {
            all[i] = Rule::numbered(RULES[i].number);
            i += 1;
        }
        all
    };

    /// What is said about it.
    pub(crate) fn row(self) -> &'static RuleRow {
        RULES[usize::from(self.number())]
    }
}
