// Reads texts as JSON strings, one a line, and writes for each the errors that Microsoft's parser finds; with a file
// of tables as JSON ({name: "(column:type, …)"}), those of its binder too.
const fs = require("fs"), path = require("path"), vm = require("vm");
const home = path.join(process.argv[2], "@kusto", "language-service-next");
for (const file of ["bridge.min.js", "Kusto.Language.Bridge.min.js"])
  vm.runInThisContext(fs.readFileSync(path.join(home, file), "utf8"), { filename: file });
const { KustoCode, GlobalState, Symbols } = globalThis.Kusto.Language;
let known = null;
if (process.argv[3]) {
  const tables = JSON.parse(fs.readFileSync(process.argv[3], "utf8"));
  const made = Object.entries(tables).map(([name, columns]) => Symbols.TableSymbol.From(columns).WithName(name));
  known = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor("db", made));
}
for (const line of fs.readFileSync(0, "utf8").split("\n")) {
  if (!line) continue;
  let said = [];
  try {
    const text = JSON.parse(line);
    const found = known ? KustoCode.ParseAndAnalyze(text, known).GetDiagnostics() : KustoCode.Parse(text).GetSyntaxDiagnostics();
    for (let i = 0; i < found.Count; i++) if (!known || found.getItem(i).Severity === "Error") said.push(found.getItem(i).Message);
  } catch (fault) {
    said = null;
  }
  process.stdout.write(JSON.stringify(said) + "\n");
}
