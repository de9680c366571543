; What can be folded: blocks, and texts of several lines.
(block) @fold
(paragraph) @fold
(block_comment) @fold
