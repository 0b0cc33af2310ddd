#!/bin/sh
# A tool for models: the date and the time of day in a time zone.
#
#     llm chat --tool tests/tools/now.sh "上海现在几点？"

# Asked with --describe, a tool says what it is.
if [ "$1" = --describe ]; then
    cat <<'END'
{
  "name": "now",
  "description": "The date and the time of day in a time zone",
  "parameters": {
    "type": "object",
    "properties": {"zone": {"type": "string", "description": "such as Asia/Shanghai"}},
    "required": ["zone"]
  }
}
END
    exit
fi

# Called, it reads its arguments as JSON from standard input, and what it prints goes back to the model.
TZ=$(jq -r .zone) date '+%F %T %Z'
