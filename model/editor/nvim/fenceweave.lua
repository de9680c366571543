-- Fenceweave in Neovim (0.10 or later): put this file below `plugin/` in your configuration, or `:source` it.
-- `vim.g.fenceweave_command` is the command, `{ "fenceweave", "lsp" }` if it is not set.

if vim.fn.has("nvim-0.10") == 0 then
  vim.notify("fenceweave.lua takes Neovim 0.10 or later", vim.log.levels.WARN)
  return
end

vim.filetype.add({
  pattern = {
    [".*/scenarios/.*%.kdl"] = "fenceweave",
    [".*/model/library/.*%.kdl"] = "fenceweave",
  },
})

local group = vim.api.nvim_create_augroup("fenceweave", { clear = true })

-- Lenses above cases, with the verdict of those that were checked. Neovim renews them by itself from 0.12 on.
local renews = vim.lsp.codelens.enable ~= nil

local function lenses(buffer)
  if renews then
    vim.lsp.codelens.enable(true, { bufnr = buffer })
  elseif vim.api.nvim_buf_is_loaded(buffer) and vim.bo[buffer].filetype == "fenceweave" then
    vim.lsp.codelens.refresh({ bufnr = buffer })
  end
end

-- What the server asks for when a case was checked.
local function checked()
  vim.tbl_map(lenses, vim.api.nvim_list_bufs())
  return vim.NIL
end

local function config(buffer)
  local all = {
    name = "fenceweave",
    cmd = vim.g.fenceweave_command or { "fenceweave", "lsp" },
    root_dir = vim.fs.root(buffer, { ".git" }),
  }
  if not renews then
    all.handlers = { ["workspace/codeLens/refresh"] = checked }
    all.capabilities = vim.lsp.protocol.make_client_capabilities()
    all.capabilities.workspace.codeLens = { refreshSupport = true }
  end
  return all
end

vim.api.nvim_create_autocmd("FileType", {
  group = group,
  pattern = "fenceweave",
  callback = function(event)
    local buffer = event.buf
    vim.bo[buffer].commentstring = "// %s"
    -- A name may have a minus.
    vim.bo[buffer].iskeyword = "@,48-57,_,-"
    -- Colours, where the grammar was built (`grammars/tree-sitter`).
    pcall(vim.treesitter.start, buffer, "fenceweave")
    local asked = vim.b[buffer].fenceweave_client
    if asked then
      vim.lsp.buf_attach_client(buffer, asked)
    else
      vim.lsp.start(config(buffer), { bufnr = buffer })
    end
  end,
})

vim.api.nvim_create_autocmd("LspAttach", {
  group = group,
  callback = function(event)
    local buffer = event.buf
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if not client or client.name ~= "fenceweave" then
      return
    end
    lenses(buffer)
    vim.lsp.inlay_hint.enable(true, { bufnr = buffer })
    vim.api.nvim_create_autocmd({ "BufEnter", "InsertLeave", "TextChanged" }, {
      group = group,
      buffer = buffer,
      callback = function()
        lenses(buffer)
      end,
    })
  end,
})

-- The texts of libraries that are in the binary.
vim.api.nvim_create_autocmd("BufReadCmd", {
  group = group,
  -- Without a slash it would be matched with what comes behind the last one.
  pattern = "fenceweave-library:/*",
  callback = function(event)
    local buffer = event.buf
    local client = vim.lsp.get_clients({ name = "fenceweave" })[1]
    local method, params = "workspace/textDocumentContent", { uri = vim.api.nvim_buf_get_name(buffer) }
    local answer
    if client and vim.fn.has("nvim-0.11") == 1 then
      answer = client:request_sync(method, params, 2000, buffer)
    elseif client then
      answer = client.request_sync(method, params, 2000, buffer)
    end
    local text = answer and answer.result and answer.result.text or ""
    vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(text, "\n"))
    vim.b[buffer].fenceweave_client = client and client.id
    vim.bo[buffer].modifiable = false
    vim.bo[buffer].buftype = "nofile"
    vim.bo[buffer].filetype = "fenceweave"
  end,
})
