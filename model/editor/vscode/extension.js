// Starts `fenceweave lsp`, and asks it for the texts of libraries that are in the binary.
"use strict";

const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

async function start() {
  const settings = vscode.workspace.getConfiguration("fenceweave");
  const libraries = settings.get("libraries");
  const args = [...(libraries ? ["--libraries", libraries] : []), "lsp"];
  const documentSelector = [
    { language: "fenceweave", scheme: "file" },
    { language: "fenceweave", scheme: "untitled" },
    { language: "fenceweave", scheme: "fenceweave-library" },
  ];
  client = new LanguageClient(
    "fenceweave",
    "Fenceweave",
    { command: settings.get("command"), args },
    {
      documentSelector,
      // What another file says, this one may use.
      synchronize: { fileEvents: vscode.workspace.createFileSystemWatcher("**/*.kdl") },
    },
  );
  await client.start();
}

async function activate(context) {
  const libraries = {
    provideTextDocumentContent: async (uri) =>
      (await client.sendRequest("workspace/textDocumentContent", { uri: uri.toString() })).text,
  };
  context.subscriptions.push(
    vscode.workspace.registerTextDocumentContentProvider("fenceweave-library", libraries),
    vscode.workspace.onDidOpenTextDocument((document) => {
      if (document.uri.scheme === "fenceweave-library" && document.languageId !== "fenceweave") {
        vscode.languages.setTextDocumentLanguage(document, "fenceweave");
      }
    }),
    vscode.commands.registerCommand("fenceweave.restart", async () => {
      await client?.stop();
      await start();
    }),
  );
  await start();
}

function deactivate() {
  return client?.stop();
}

module.exports = { activate, deactivate };
