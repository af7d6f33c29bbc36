// SPDX-License-Identifier: GPL-2.0-or-later
// check.js COMMAND... - answers in JSON on standard output. Run in the folder that has the packages of package.json.
//   read FILE               the YAML documents of a file ("-": standard input)
//   schema SCHEMA           what is wrong with the values on standard input (JSON), by a schema: a list of texts
//   manifests               what is wrong with the Kubernetes objects on standard input (JSON): a list of texts
const fs = require("fs");
const { createRequire } = require("module");
const need = createRequire(process.cwd() + "/");
const [command, file] = process.argv.slice(2);
const read = (path) => fs.readFileSync(path === "-" ? 0 : path, "utf8");

function documents(text) {
  return need("yaml").parseAllDocuments(text, { strict: true, uniqueKeys: true }).map((d) => {
    if (d.errors.length) throw d.errors[0];
    return d.toJS();
  }).filter((d) => d !== null);
}

function schema(path, value) {
  const Ajv = need("ajv");
  const valid = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(JSON.parse(read(path)));
  return valid(value) ? [] : valid.errors.map((e) => `${e.instancePath} ${e.message}`);
}

// The validators of the package know types and what is required, and pass over a key that there is not. But they read each key that
// there is: `read` gets those.
function watched(value, path, read) {
  if (typeof value !== "object" || value === null) return value;
  return new Proxy(value, {
    get(target, key) {
      if (typeof key === "symbol") return target[key];
      read.add(path + "/" + key);
      return watched(target[key], path + "/" + key, read);
    },
  });
}

function unread(value, path, read) {
  if (typeof value !== "object" || value === null) return [];
  return Object.keys(value).flatMap((key) => {
    const here = path + "/" + key;
    return read.has(here) ? unread(value[key], here, read) : [`${here} is unknown`];
  });
}

function manifest(object) {
  const [group, version] = object.apiVersion.includes("/") ? object.apiVersion.split("/") : ["", object.apiVersion];
  try {
    const models = need("kubernetes-models/" + (group ? group + "/" : "") + version);
    const read = new Set();
    watched(new models[object.kind](object), "", read).validate();
    return unread(object, "", read).map((what) => `${object.kind}: ${what}`);
  } catch (e) {
    return [`${object.kind}: ${e.message}`];
  }
}

const answers = {
  read: () => documents(read(file)),
  schema: () => schema(file, JSON.parse(read("-"))),
  manifests: () => JSON.parse(read("-")).flatMap(manifest),
};
console.log(JSON.stringify(answers[command]()));
