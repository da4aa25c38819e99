#!/bin/sh
# @serverless-devs/parse-spec 0.0.29 (npm), the parser of Serverless Devs: a $ in a value of
# .env begins the name of a variable, in single quotes, too, where a shell and dotenv alone
# would leave it. One that is not set becomes nothing: a password or a webhook's secret is
# cut short without a word, and the deployment succeeds. A backslash before the $ keeps it.
# A # begins a comment, without a blank before it, but for one in quotes.
#
# Seen on 2026-11-29, and compared with what is seen now:
#	pa$word: "pa"
#	'pa$word': "pa"
#	pa\$word: "pa$word"
#	pa#word: "pa"
#	'pa#word': "pa#word"
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder" @serverless-devs/parse-spec@0.0.29 >&2 || exit 2

cat > s.yaml <<'END'
edition: 3.0.0
name: try
access: default
resources:
  try:
    component: fc3
    props:
      region: cn-hangzhou
      secret: ${env('SECRET')}
END

cat > try.mjs <<'END'
import { writeFileSync } from 'node:fs'

process.env.serverless_devs_config_home = process.cwd() // no keys of whoever runs this
const { default: { default: ParseSpec } } = await import('@serverless-devs/parse-spec')
const logger = Object.fromEntries(['log', 'info', 'warn', 'warnOnce', 'error', 'debug', 'tips', 'write'].map((name) => [name, () => {}]))
const { log } = console
for (const written of ['pa$word', "'pa$word'", 'pa\\$word', 'pa#word', "'pa#word'"]) {
  writeFileSync('.env', `SECRET=${written}\n`)
  delete process.env.SECRET
  console.log = () => {}
  const { steps } = await new ParseSpec('s.yaml', { argv: ['deploy'], logger }).start()
  console.log = log
  console.log(`${written}: ${JSON.stringify(steps[0].props.secret)}`)
}
process.exit(0)
END
now=$(node try.mjs) || exit 2

cd "$OLDPWD"
before=$(sed -n 's/^#	//p' "$0")
echo "@serverless-devs/parse-spec 0.0.29:"
printf '%s\n' "$now"
if test "$now" != "$before"; then
	echo "No longer so. On 2026-11-29 it was:"
	printf '%s\n' "$before"
	exit 1
fi
echo "Still so."
