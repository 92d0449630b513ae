#!/usr/bin/env bash
# Test the app on the one device that adb sees, an emulator or a phone:
#
#     emulator_test.sh app-release.apk [FOLDER]
#
# The benchmark has to finish, the live screen has to run, and a shared photo has to be matted. Screenshots and the log
# are written to FOLDER (default: screens).
set -euo pipefail
apk=$1
out=${2:-screens}
here=$(cd "$(dirname "$0")" && pwd)
app=ai.mmnet.demo
mkdir -p "$out"

fail() {
    adb exec-out screencap -p > "$out/failure.png" || true
    adb logcat -d > "$out/log.txt" || true
    echo "error: $1" >&2
    exit 1
}

# Wait until a command succeeds: wait_for SECONDS MESSAGE COMMAND...
wait_for() {
    local end=$((SECONDS + $1)) message=$2
    shift 2
    until "$@" > /dev/null 2>&1; do
        [ $SECONDS -lt $end ] || fail "$message"
        sleep 2
    done
}

has_logged() { adb logcat -d -s MMNetBenchmark | grep -q 'MMNET_BENCHMARK_'; }

# Whether the screen has an enabled button with this text.
has_button() {
    adb shell uiautomator dump /sdcard/window.xml > /dev/null
    adb shell cat /sdcard/window.xml | tr '>' '\n' | grep -i "text=\"$1\"" | grep -q 'enabled="true"'
}

has_image() { adb shell content query --uri content://media/external/images/media --projection _id | grep -q _id=; }

adb logcat -c
adb uninstall $app > /dev/null 2>&1 || true
adb install "$apk"
adb shell pm grant $app android.permission.CAMERA

# LiteRT, the native core and what R8 left of the classes.
adb shell am start -W -n $app/.BenchmarkActivity --es model mmnet-1.0-256-int8.tflite --ei runs 20 --es out test.json
wait_for 180 "the benchmark does not end" has_logged
adb logcat -d -s MMNetBenchmark | grep -q MMNET_BENCHMARK_DONE || fail "the benchmark failed"
adb pull "/sdcard/Android/data/$app/files/test.json" "$out/benchmark.json"

# The camera.
adb shell am start -W -a android.intent.action.MAIN -c android.intent.category.LAUNCHER -n $app/.LiveActivity
sleep 15
adb exec-out screencap -p > "$out/live.png"
has_button 'Take photo' || fail "the live screen has no button to take a photo"

# A photo that another app shares.
adb push "$here/../web_demo/site/samples/astronaut.webp" /sdcard/Pictures/astronaut.webp
adb shell am broadcast -a android.intent.action.MEDIA_SCANNER_SCAN_FILE -d file:///sdcard/Pictures/astronaut.webp
wait_for 60 "the photo does not appear in the gallery" has_image
number=$(adb shell content query --uri content://media/external/images/media --projection _id | sed 's/.*_id=//' | tail -1)
photo=content://media/external/images/media/${number//[^0-9]/}
# The data carries the permission to read: `am` gives none for an extra.
adb shell am start -W -a android.intent.action.SEND -t image/webp -d "$photo" --grant-read-uri-permission \
    --eu android.intent.extra.STREAM "$photo" -n $app/.PhotoActivity
wait_for 120 "the photo is not matted" has_button Save
adb exec-out screencap -p > "$out/photo.png"

adb logcat -d > "$out/log.txt"
if grep -A 3 'FATAL EXCEPTION' "$out/log.txt" | grep -q "$app"; then fail "the app has crashed"; fi
echo "the benchmark, the live screen and the shared photo work"
