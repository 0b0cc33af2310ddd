# A server of tools (Model Context Protocol over stdio) for the tests. Its first argument is its name, under
# which it writes down its process (`NAME.pid`) and what it was sent (`NAME.seen`); the others say how it
# misbehaves.
name=$1
shift
switches=" $* "
has() { case $switches in *" $1 "*) return 0 ;; esac; return 1; }
say() { printf '%s\n' "$1"; }
answer() { say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":$1}"; }
refuse() { say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":$1,\"message\":\"$2\"}}"; }
text() { answer "{\"content\":[{\"type\":\"text\",\"text\":\"$1\"}]}"; }
quoted() { printf '%s' "$1" | sed 's/[\\"]/\\&/g'; }
tool() { printf '{"name":"%s","description":"%s","inputSchema":%s}' "$1" "$2" "${3:-{\}}"; }

echo $$ >> "$name.pid"
has forks && { (trap '' TERM; sleep 600) & echo $! >> "$name.pid"; }
has deaf && trap '' TERM
has slow && sleep 1.5
has dies && { echo 'Traceback (most recent call last):' >&2; echo "AttributeError: 'Server' has no list" >&2; exit 1; }
has banner && echo 'npm warn config: use --location=global'
has logs && head -c 4000000 /dev/zero | tr '\0' x >&2
has lines && yes '一行 日志' | head -n 50000 >&2

initialized=
while IFS= read -r line; do
  printf '%s\n' "$line" >> "$name.seen"
  id=${line#*'"id":'}
  id=${id%%[,\}]*}
  case $line in
  *'"method":"initialize"'*)
    has silent && continue
    has modern && { refuse -32022 'Unsupported protocol version'; continue; }
    has refuses && { refuse -32000 '不行'; has quits && exit 0; continue; }
    version=2025-11-25
    has oldest && version=2024-11-05
    has future && version=2099-01-01
    has asks && say '{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"message":"?"}}'
    answer "{\"protocolVersion\":\"$version\",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"sh-$name\",\"version\":\"1.2\"},\"instructions\":\"先读后写\"}"
    ;;
  *'"method":"server/discover"'*)
    has mute && continue
    has modern || { refuse -32601 'Method not found'; continue; }
    answer '{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}'
    ;;
  *'"method":"notifications/initialized"'*) initialized=1 ;;
  *'"method":"tools/list"'*)
    say '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'
    has hangs && continue
    has unlisted && { refuse -32601 'Method not found'; continue; }
    if has many; then
      list=$(i=0; while [ $i -lt 300 ]; do tool "tool_$i" "number $i"; i=$((i + 1)); [ $i -lt 300 ] && printf ,; done)
      answer "{\"tools\":[$list]}"
    elif has pages; then
      case $line in
      *'"cursor":"2"'*) answer "{\"tools\":[$(tool two '二'),$(tool one '一')],\"nextCursor\":\"3\"}" ;;
      *'"cursor":"3"'*) answer "{\"tools\":[$(tool three '三')],\"nextCursor\":\"2\"}" ;;
      *) answer "{\"tools\":[$(tool one '一')],\"nextCursor\":\"2\"}" ;;
      esac
    elif has odd; then
      answer "{\"tools\":[$(tool admin.tools.list 'dots' '{"type":"object"}'),$(tool now 'taken'),$(tool bad 'no object' '{"type":"string"}'),$(tool branches 'either' '{"$schema":"x","oneOf":[{"properties":{"a":{"$ref":"#/$defs/s%20t"}},"required":["a"]},{"properties":{"b":{"type":"integer"}}}],"$defs":{"s t":{"type":"string","title":"S"}}}')]}"
    elif has turns; then
      [ -f "$name.turned" ] && has once && continue
      if [ -f "$name.turned" ]; then
        answer "{\"tools\":[$(tool echo 'Says something else'),$(tool fresh 'New'),$(tool kept 'As before')]}"
      else
        answer "{\"tools\":[$(tool turn 'Changes the list'),$(tool echo 'Says it again'),$(tool kept 'As before'),$(tool crash 'Ends the server')]}"
      fi
    elif has lates; then
      answer "{\"tools\":[$(tool late 'Answers with the next call'),$(tool grumble 'Fails in several lines')]}"
    elif has sounds; then
      answer "{\"tools\":[$(tool sound 'A recording'),$(tool drawing 'A drawing')]}"
    else
      string='{"type":"object","properties":{"text":{"type":"string","description":"what to say"}},"required":["text"]}'
      answer "{\"tools\":[$(tool echo 'Says it again' "$string"),$(tool fail 'Fails'),$(tool flood 'Says a lot'),$(tool picture 'A picture'),$(tool environment 'Its variables'),$(tool ask 'Asks the user'),$(tool crash 'Ends the server'),$(tool sleep 'Never answers'),$(tool steps 'Tells of its progress'),$(tool close 'Closes its output')]}"
    fi
    ;;
  *'"method":"tools/call"'*)
    called=${line#*'"name":"'}
    called=${called%%'"'*}
    arguments=${line#*'"arguments":'}
    arguments=${arguments%%,'"_meta"'*}
    case $called in
    echo) text "$name $(quoted "$arguments")" ;;
    fail) answer '{"content":[{"type":"text","text":"没有这个文件"}],"isError":true}' ;;
    flood) answer "{\"content\":[{\"type\":\"text\",\"text\":\"$(head -c 300000 /dev/zero | tr '\0' x)\"}]}" ;;
    picture) answer '{"content":[{"type":"text","text":"看"},{"type":"image","mimeType":"image/png","data":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="},{"type":"text","text":"给人看","annotations":{"audience":["user"]}}]}' ;;
    environment) text "$(quoted "$(env | sort | tr '\n' ' ')")" ;;
    ask)
      asked=$id
      say '{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"message":"name?"}}'
      IFS= read -r reply
      id=$asked
      text "$(quoted "$reply")"
      ;;
    turn)
      : > "$name.turned"
      say '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'
      text turned
      ;;
    late)
      if [ -n "$late" ]; then
        second=$id
        id=$late
        text first
        id=$second
        text second
      fi
      late=$id
      ;;
    fresh | kept) text "$called" ;;
    sound) answer '{"content":[{"type":"audio","mimeType":"audio/wav","data":"UklGRiQAAABXQVZFZm10IBAAAAA="}]}' ;;
    drawing) answer '{"content":[{"type":"image","mimeType":"image/svg+xml","data":"PHN2Zy8+"}]}' ;;
    crash) has turns && : > "$name.turned"; echo '崩溃了' >&2; exit 3 ;;
    sleep) echo ok >> "$name.asleep" ;;
    steps)
      for step in 1 2 3 4; do
        sleep 0.4
        say "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":$id,\"progress\":$step,\"total\":4}}"
      done
      text done
      ;;
    grumble) answer '{"content":[{"type":"text","text":"1 error\n  for path\n    "}],"isError":true}' ;;
    huge) head -c 18000000 /dev/zero | tr '\0' x ;;
    close) exec >&-; ;;
    *) refuse -32602 "Unknown tool: $called" ;;
    esac
    ;;
  esac
done
has lingers && { trap '' TERM; while [ ! -f "$name.go" ]; do sleep 0.05; done; }
echo end >> "$name.ended"
has deaf && { sleep 600; sleep 600; }
exit 0
