# Prints made-up figures in the format of `benchmark_model`, without running the model, for tests of what follows.
# Each start reports a time 0.1 ms longer than the start before; all runs of one start take equally long.
for argument; do
    case $argument in
    --num_runs=*) runs=${argument#*=} ;;
    --warmup_runs=*) warmup=${argument#*=} ;;
    --graph=*) graph=${argument#*=} ;;
    esac
done
[ -s "$graph" ] || { echo "ERROR: Failed to load model $graph" >&2; exit 1; }
time=$((16000 + 100 * $(wc -l <"$starts")))
cat >&2 <<END
INFO: STARTING!
INFO: count=$warmup curr=20000(all same) p5=20000 median=20000 p95=20000

INFO: count=$runs curr=$time(all same) p5=$time median=$time p95=$time

INFO: Inference timings in us: Init: 8412, First inference: 20000, Warmup (avg): 20000, Inference (avg): $time
INFO: Memory footprint delta from the start of the tool (MB): init=1.5 overall=2.25
END
