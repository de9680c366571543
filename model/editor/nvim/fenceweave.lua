-- Fenceweave in Neovim (0.10 or later): put this file below `plugin/` in your configuration, or `:source` it.
-- `vim.g.fenceweave_command` is the command, `{ "fenceweave", "lsp" }` if it is not set.

vim.filetype.add({
  pattern = {
    [".*/scenarios/.*%.kdl"] = "fenceweave",
    [".*/model/library/.*%.kdl"] = "fenceweave",
  },
})

local group = vim.api.nvim_create_augroup("fenceweave", { clear = true })

vim.api.nvim_create_autocmd("FileType", {
  group = group,
  pattern = "fenceweave",
  callback = function(event)
    vim.bo[event.buf].commentstring = "// %s"
    -- A name may have a minus.
    vim.bo[event.buf].iskeyword = "@,48-57,_,-"
    local client = vim.lsp.start({
      name = "fenceweave",
      cmd = vim.g.fenceweave_command or { "fenceweave", "lsp" },
      root_dir = vim.fs.root(event.buf, { ".git" }),
    })
    if client then
      vim.lsp.codelens.refresh({ bufnr = event.buf })
      pcall(vim.lsp.inlay_hint.enable, true, { bufnr = event.buf })
    end
  end,
})

-- The texts of libraries that are in the binary.
vim.api.nvim_create_autocmd("BufReadCmd", {
  group = group,
  pattern = "fenceweave-library:*",
  callback = function(event)
    local client = vim.lsp.get_clients({ name = "fenceweave" })[1]
    local answer = client and client.request_sync("workspace/textDocumentContent", { uri = event.match }, 2000, event.buf)
    local text = answer and answer.result and answer.result.text or ""
    vim.api.nvim_buf_set_lines(event.buf, 0, -1, false, vim.split(text, "\n"))
    vim.bo[event.buf].modifiable = false
    vim.bo[event.buf].buftype = "nofile"
    vim.bo[event.buf].filetype = "fenceweave"
  end,
})
