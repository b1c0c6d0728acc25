// The page that lists every difference under its explanation. It is compared with the page in the repository, byte by byte.

import { explanations, explanationOf } from "./explanations.js";

const PREAMBLE = (asked, differ) => `# Differences from node-oidc-provider

[node-oidc-provider](https://github.com/panva/node-oidc-provider) is a certified OpenID Connect provider that many know. \`clients/peer\` starts it
unmodified (the version stands in its \`package.json\`) beside a server, configured alike: the same paths, apps, grants and scopes, PKCE always needed. Then both are asked
the same: every parameter of every endpoint missing, empty, doubled, oversized, of another type or under another name, forms that are no forms, tokens and credentials in
wrong places. What is compared is the status and the error code, on pages too, and whether the person is sent on, or back to the app.

Of ${asked} requests, ${differ} are answered differently; each of those stands below under its reason. The test fails when one is missing here, and when one that stands here no
longer differs: \`COUNTERSIGN_WRITE_REFERENCE=1 ./test peer\` writes the page again, where each difference has an explanation in \`clients/peer/explanations.js\`.

*To the app*: a redirect to its address, with the code or error. *Goes on*: a page for the person, or the way to one.
`;

function rows(differences) {
  const grouped = new Map();
  for (const difference of differences) {
    const { parameter, defect, ours, theirs } = difference;
    const key = [difference.endpoint, defect, ours, theirs].join(" | ");
    grouped.set(key, [...(grouped.get(key) ?? []), ...(parameter ? [`\`${parameter}\``] : [])]);
  }
  return [...grouped].map(([key, parameters]) => {
    const [endpoint, defect, ours, theirs] = key.split(" | ");
    return `| ${endpoint} | ${parameters.join(", ")} | ${defect} | ${ours} | ${theirs} |`;
  });
}

/** Differences that have no explanation, and explanations that explain none. */
export const unexplained = (differences) => differences.filter((difference) => !explanationOf(difference));
export const outdated = (differences) => explanations.filter((each) => !differences.some((difference) => explanationOf(difference) === each));

export function page(asked, differences) {
  const sections = explanations.map((each) => {
    const listed = rows(differences.filter((difference) => explanationOf(difference) === each));
    const head = "| request | parameter | defect | Countersign | node-oidc-provider |\n|---|---|---|---|---|";
    return `\n## ${each.title}\n\n${each.why}\n\n${head}\n${listed.join("\n")}\n`;
  });
  return PREAMBLE(asked, differences.length) + sections.join("");
}
