// Scenario files of Fenceweave for tree-sitter: KDL 2 as they use it. What a word means is told by queries/highlights.scm,
// which a test holds against the tables of the language.

/// <reference types="tree-sitter-cli/dsl" />

// What may stand in a bare word, and what may begin one that is no number.
const WORD = /[A-Za-z_$&*.,:<>!?@%^~|'`\u00a0-\uffff+-][^\s\\\/(){}\[\];"#=]*/;
const NUMBER = /[+-]?[0-9][^\s\\\/(){}\[\];"#=]*/;

module.exports = grammar({
  name: "fenceweave",

  extras: ($) => [/[ \t\ufeff]/, $.continuation, $.line_comment, $.block_comment],

  word: ($) => $.word,

  rules: {
    document: ($) => optional($._statements),

    _statements: ($) =>
      choice(
        repeat1($._end),
        seq(repeat($._end), $._item, repeat(seq(repeat1($._end), $._item)), repeat($._end)),
      ),

    _end: (_) => choice(";", /\r?\n/),

    _item: ($) => choice($.statement, $.disabled_statement),

    // `} else {` and `} while "E"` go on behind the block.
    statement: ($) =>
      prec.right(
        seq(
          field("name", $.word),
          repeat($._entry),
          repeat($.disabled_block),
          optional(
            seq(
              field("block", $.block),
              repeat($.disabled_block),
              repeat(choice($.continued, alias($._disabled_continued, $.disabled_statement))),
            ),
          ),
        ),
      ),

    continued: ($) =>
      prec.right(
        seq(
          field("name", alias(choice("else", "while"), $.word)),
          repeat($._entry),
          optional(field("block", $.block)),
        ),
      ),

    disabled_statement: ($) => seq("/-", $.statement),
    _disabled_continued: ($) => seq("/-", $.continued),
    disabled_entry: ($) => seq("/-", choice($.option, $._value)),
    disabled_block: ($) => seq("/-", $.block),

    block: ($) => seq("{", optional($._statements), "}"),

    _entry: ($) => choice($.option, $._value, $.disabled_entry),

    option: ($) => seq(field("key", $.word), token.immediate("="), field("value", $._value)),

    _value: ($) => choice($.word, $.number, $.string, $.paragraph),

    word: (_) => WORD,
    number: (_) => token(prec(1, NUMBER)),

    string: ($) => seq('"', repeat(choice($.escape, token.immediate(prec(1, /[^"\\\n]+/)))), token.immediate('"')),
    // Blank space behind the sign is dropped, new lines included.
    escape: (_) => token.immediate(/\\([^ \t\r\n]|[ \t\r\n]+)/),
    paragraph: (_) => token(seq('"""', /\r?\n/, repeat(choice(/[^"\\]/, /\\(.|\n)/, /"[^"]/, /""[^"]/)), '"""')),

    continuation: (_) => token(seq("\\", /[ \t]*(\/\/[^\n]*)?\r?\n/)),
    line_comment: (_) => token(seq("//", /[^\n]*/)),
    // They nest. What is in one is taken sign by sign, so that nothing else begins there.
    block_comment: ($) =>
      seq(
        token(prec(2, "/*")),
        repeat(choice($.block_comment, token.immediate(prec(1, /[^*\/]+|[*\/]/)))),
        token.immediate(prec(2, "*/")),
      ),
  },
});
