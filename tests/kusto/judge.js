// Reads texts as JSON strings, one a line, and writes for each the syntax errors that Microsoft's parser finds.
const fs = require("fs"), path = require("path"), vm = require("vm");
const home = path.join(process.argv[2], "@kusto", "language-service-next");
for (const file of ["bridge.min.js", "Kusto.Language.Bridge.min.js"])
  vm.runInThisContext(fs.readFileSync(path.join(home, file), "utf8"), { filename: file });
const parser = globalThis.Kusto.Language.KustoCode;
for (const line of fs.readFileSync(0, "utf8").split("\n")) {
  if (!line) continue;
  let said = [];
  try {
    const found = parser.Parse(JSON.parse(line)).GetSyntaxDiagnostics();
    for (let i = 0; i < found.Count; i++) said.push(found.getItem(i).Message);
  } catch (fault) {
    said = null;
  }
  process.stdout.write(JSON.stringify(said) + "\n");
}
