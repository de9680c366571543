// What `vsce package` asks for first: the extension as one file with the client in it, so that no folder of packages is
// shipped, and the licences of both.
import { build } from "esbuild";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";

mkdirSync("dist", { recursive: true });
const { metafile } = await build({
  entryPoints: ["extension.js"],
  outfile: "dist/extension.js",
  bundle: true,
  minify: true,
  platform: "node",
  // That of the oldest VS Code in `engines`.
  target: "node18",
  external: ["vscode"],
  metafile: true,
});

// Whose files are in it: `node_modules/NAME/…`, or `node_modules/@SCOPE/NAME/…`.
const packages = new Set();
for (const file of Object.keys(metafile.inputs)) {
  const at = file.lastIndexOf("node_modules/");
  if (at >= 0) {
    const [scope, name] = file.slice(at + "node_modules/".length).split("/");
    packages.add(file.slice(0, at) + path.join("node_modules", scope, scope.startsWith("@") ? name : ""));
  }
}
const notices = [...packages].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  if (!file) throw new Error(`${name} has no licence that could be shipped with it`);
  return `${name} ${version} (${license})\n\n${readFileSync(path.join(folder, file), "utf8").trim()}\n`;
});
writeFileSync("dist/NOTICES.txt", notices.join(`\n${"-".repeat(80)}\n\n`));

const ours = ["LICENSE-MIT", "LICENSE-APACHE"].map((file) => readFileSync(path.join("../../..", file), "utf8"));
writeFileSync("LICENSE", `MIT OR Apache-2.0, at your choice.\n\n${ours.join(`\n${"-".repeat(80)}\n\n`)}`);
