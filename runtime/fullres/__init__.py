"""What follows the network at the full resolution: upsampling, foreground estimation, compositing."""
