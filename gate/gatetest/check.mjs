// node check.mjs json|xsd SCHEMA DOCUMENT: exit code 1 where the document does not
// follow the schema.
import { readFileSync } from "node:fs";

const [kind, schema, document] = process.argv.slice(2);
const text = readFileSync(document, "utf8");

async function faults() {
  if (kind === "xsd") {
    const { validateXML } = await import("xmllint-wasm");
    const r = await validateXML({
      xml: [{ fileName: "document.xml", contents: text }],
      schema: [readFileSync(schema, "utf8")],
      maxMemoryPages: 65536 / 4,
    });
    return r.valid ? [] : r.errors.map((e) => e.message);
  }
  const s = JSON.parse(readFileSync(schema, "utf8"));
  const draft = String(s.$schema).includes("2020-12") ? "ajv/dist/2020.js" : "ajv";
  const { default: Ajv } = await import(draft);
  const { default: formats } = await import("ajv-formats");
  const ajv = new Ajv({ strict: false, allErrors: false });
  formats(ajv);
  const check = ajv.compile(s);
  return check(JSON.parse(text)) ? [] : check.errors.map((e) => e.instancePath + " " + e.message);
}

const list = await faults();
if (list.length > 0) {
  console.error(list.slice(0, 10).join("\n"));
  process.exit(1);
}
