# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154 # title and files come from the script that sources this
# Leaves known files in a folder, whole or not at all. get-mnist and get-fashion-mnist source this; theirs are $title, $folder,
# $files (NAME:SHA-256 of the content, unpacked where the name ends in .gz) and fetch, which brings them to the current folder.
#
# Files that are there and right are left alone, without a look at the network. None is ever written over: new ones are fetched
# into a folder beside them and moved when all are right.

root=$(cd "$(dirname "$0")/.." && pwd)

fail()
{
    echo "${0##*/}: $1" >&2
    exit 1
}

names()
{
    list=''
    for file in $files; do
        list="$list${list:+, }${file%:*}"
    done
    echo "$list"
}

# For what went wrong with fetching; $2 is what else could help.
give_up()
{
    fail "$1: ${2-try again, or }put these into $folder by hand: $(names)"
}

has_command()
{
    command -v "$1" >/dev/null 2>&1
}

# Runs a command; what it says first where it fails is left in the file why.
attempt()
{
    "$@" >/dev/null 2>errors </dev/null && return
    sed -n '/^W:/!{p;q;}' errors >why
    return 1
}

sha256()
{
    if has_command sha256sum; then
        sha256sum
    else
        shasum -a 256
    fi | cut -d ' ' -f 1
}

# Whether a file's content has this sum. gzip's own check is asked, too: the end of a torn file may hold no content.
is_right()
{
    case $1 in
    *.gz) gzip -t "$1" 2>/dev/null && [ "$(gzip -dc "$1" | sha256)" = "$2" ] ;;
    *) [ -f "$1" ] && [ "$(sha256 <"$1")" = "$2" ] ;;
    esac
}

# Which files are not there yet; another of such a name is a person's, and stays.
find_missing()
{
    missing=''
    for file in $files; do
        path=$folder/${file%:*}
        if [ ! -e "$path" ] && [ ! -L "$path" ]; then
            missing="$missing $file"
        elif ! is_right "$path" "${file#*:}"; then
            fail "$path: is there already and is not $title's (its SHA-256 differs); move it away or name another folder"
        fi
    done
}

clean_up()
{
    rm -rf "$new"
    [ "$made" = 0 ] || rmdir "$folder" 2>/dev/null || true # fails where the files are in it
}

fetch_missing()
{
    [ -d "$folder" ] && made=0 || made=1
    new=''
    trap clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    mkdir -p "$folder" 2>/dev/null || fail "$folder: this folder cannot be made"
    new=$(mktemp -d "$folder/.new.XXXXXX" 2>/dev/null) || fail "$folder: cannot be written"
    (cd "$new" && fetch) || exit 1
    for file in $missing; do
        is_right "$new/${file%:*}" "${file#*:}" ||
            give_up "the ${file%:*} that was fetched is not $title's (its SHA-256 differs)"
    done
    for file in $missing; do
        mv "$new/${file%:*}" "$folder/" || fail "$folder: cannot be written"
    done
}

case $#:${1-default} in
[01]:[!-]*) ;;
*) echo "usage: ${0##*/} [FOLDER]" >&2 && exit 2 ;;
esac
has_command sha256sum || has_command shasum || fail 'needs sha256sum or shasum'
folder=${1-$root/$folder}
folder=${folder#"$PWD/"}
find_missing
if [ -z "$missing" ]; then
    echo "$title is in $folder already"
    exit
fi
fetch_missing
echo "$title is in $folder"
