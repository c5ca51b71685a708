# Completion of onex for bash: eval "$(onex completions bash)"
_onex() {
    local cur=$2 word about
    COMPREPLY=()
    # Words as they were typed: readline splits them at = and :.
    local -a words=("${COMP_WORDS[@]:0:COMP_CWORD+1}")
    while IFS=$'\t' read -r word about; do
        [[ $word == "$cur"* ]] && COMPREPLY+=("$(printf '%q' "$word")")
    done < <("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace
    [[ ${#COMPREPLY[@]} -gt 0 ]]
}
complete -o bashdefault -o default -F _onex onex
