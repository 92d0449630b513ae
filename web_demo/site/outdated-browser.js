// This script runs only in browsers without JavaScript modules. It must not use anything that such browsers lack.
document.getElementById('status').textContent = '';
document.getElementById('problem-text').textContent =
  'This browser is too old for this page. Use a current Chrome, Edge, Firefox or Safari.';
document.getElementById('problem').removeAttribute('hidden');
